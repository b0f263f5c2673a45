/* dnsflip/lab/demo.h -- `dnsflip lab demo`: the primary is killed and every hostname moves, as an
 * outside resolver sees it. */
#ifndef DNSFLIP_LAB_DEMO_H
#define DNSFLIP_LAB_DEMO_H

/* 0 if every hostname moved, without one wrong answer; else 1. */
int demo_main(const char *dir, unsigned deployments);

#endif
