/* dnsflip/lab/run.h -- one lab while it runs: two clusters, the database, and the daemon. */
#ifndef DNSFLIP_LAB_RUN_H
#define DNSFLIP_LAB_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "dnsflip/base/err.h"
#include "dnsflip/lab/site.h"

struct run {
    struct site site;
    char program[PATH_BYTES];  /* this one */
    pid_t places[SITE_PLACES]; /* 0 = does not run */
    pid_t daemon;
};

/* Starts all and waits until the daemon answers.  dir NULL: a fresh folder.  On failure all that
 * ran has ended; a fresh folder with logs is kept, err names it. */
__attribute__((warn_unused_result)) int run_start(struct run *run, const char *dir,
                                                  unsigned deployments, struct err *err);

/* Ends all in order and removes a fresh folder. */
void run_stop(struct run *run);

/* Waits until a signal asks for the end (0) or the daemon ends by itself (-1, err). */
__attribute__((warn_unused_result)) int run_wait(struct run *run, struct err *err);

/* From now on SIGINT, SIGTERM and SIGHUP wait for run_wait, run_is_asked_to_end or sigwait. */
void run_block_signals(void);
bool run_is_asked_to_end(void);

/* This program's own path. */
__attribute__((warn_unused_result)) int run_program(char out[static PATH_BYTES], struct err *err);

#endif
