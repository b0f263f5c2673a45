/* dnsflip/judge.h -- the process that decides: configuration, probes, policies, engine, control. */
#ifndef DNSFLIP_JUDGE_H
#define DNSFLIP_JUDGE_H

/* Runs as a child of the supervisor, its link on LINK_FD, until told to stop.
 * argv: [0] anything, [1] the configuration file, [2] the log level ("debug" .. "error"), [3] what
 * run --accept names, or "".
 * Returns the program's exit code. */
int judge_main(int argc, char **argv);

/* Asked by another version that runs here, what would be handed over on LINK_FD: prints the formats
 * of this program, then what would keep it from starting.  argv: [0] anything, [1] the
 * configuration file, [2] what run --accept names, or "".  Returns 0 if it could take over. */
int judge_rehearse(int argc, char **argv);

#endif
