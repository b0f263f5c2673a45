#include "dnsflip/lab/demo.h"
int demo_main(const char *dir, unsigned deployments)
{
    (void)dir;
    (void)deployments;
    return 1;
}
