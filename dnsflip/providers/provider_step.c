/* dnsflip/providers/provider_step.c -- what the plans of all kinds of provider begin with. */
#include "dnsflip/providers/provider.h"

struct step *provider_add_step(unsigned index, size_t n, struct plan *plan, struct err *err)
{
    struct step *step;

    if (plan->n_steps == STEPS_MAX) {
        (void)err_set(err, ERR_LIMIT, "a plan has at most %d steps", STEPS_MAX);
        return NULL;
    }
    step = &plan->steps[plan->n_steps++];
    *step = (struct step){ .provider = (uint8_t)index,
                           .group = plan->group,
                           .from = (uint8_t)plan->from,
                           .to = (uint8_t)plan->to,
                           .n = (uint32_t)n };
    return step;
}
