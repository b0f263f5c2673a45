#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/engine/hooks_job.h"
#include "dnsflip/io/io.h"
#include "dnsflip/io/loop.h"

static struct mono now_of(const struct hooks_job *job)
{
    return loop_now(job->hooks->io->loop).mono;
}

/* One try has failed: again, if there is time for another. */
static void try_failed(struct hooks_job *job, const char *why)
{
    struct mono again = mono_add(now_of(job), HOOKS_PROOF_MS);

    (void)str_copy(job->detail, sizeof(job->detail), why);
    if (job->is_once || mono_since(job->deadline, again) <= 0)
        hooks_job_finish(job, false, job->detail);
    else
        loop_timer_set(job->timer, again);
}

static void on_seen(void *arg, const struct observation *seen)
{
    struct hooks_job *job = arg;
    const struct reason_code_info *reason = reason_code_info(seen->reason[PROFILE_ACTIVE]);
    char text[HOOKS_DETAIL_BYTES];

    job->probe = NULL;
    loop_timer_clear(job->timer);
    if (reason->outcome == OUTCOME_PASS) {
        (void)str_format(text, sizeof(text), "the proof passed at %s", job->host);
        hooks_job_finish(job, true, text);
        return;
    }
    (void)str_format(text, sizeof(text), "the proof at %.120s: %s%s%s", job->host, reason->text,
                     seen->detail[0] != '\0' ? ": " : "", seen->detail);
    try_failed(job, text);
}

static void ask(struct hooks_job *job)
{
    struct hooks *h = job->hooks;
    struct err err;

    job->request = (struct probe_request){
        .cfg = &job->proof,
        .hostname = job->host,
        .base_path = "",
        .class = CLASS_CUSTOM,
        .target = &job->target,
        .id = HOOKS_PROOF_ID_BASE + h->next_proof++ % HOOKS_PROOF_IDS,
        .fresh = true,
    };
    if (probe_start(&job->request, h->io, on_seen, job, &job->probe, &err) != 0) {
        job->probe = NULL;
        try_failed(job, err.text);
        return;
    }
    if (!job->is_once)
        loop_timer_set(job->timer, job->deadline);
}

void hooks_proof_on_timer(struct hooks_job *job)
{
    char text[HOOKS_DETAIL_BYTES];

    if (job->probe == NULL) {
        ask(job);
        return;
    }
    /* The deadline, with a try still in flight. */
    (void)str_format(text, sizeof(text), "the proof at %.120s gave no answer in time%s%.120s",
                     job->host, job->detail[0] != '\0' ? "; before that: " : "", job->detail);
    hooks_job_finish(job, false, text);
}
