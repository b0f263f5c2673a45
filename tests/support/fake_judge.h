/* tests/support/fake_judge.h -- a judge that decides nothing: it does what it is told on its
 * control socket, one line at a time, and answers with one line:
 *
 * - pair GENERATION INDEX: offers a pair; "adopted GENERATION" or "error TEXT"
 * - keyed-pair GENERATION INDEX: the same with secrets beside it
 * - bad-secrets GENERATION: offers a pair with secrets that are none; answers the same
 * - bad-view GENERATION: offers a view that is none; answers the same
 * - bad-page GENERATION: offers the page of another view; answers the same
 * - flip INDEX EPOCH: one store of one word; "flipped" once every thread has seen it
 * - state: "pid=N kept=GENERATION parts=N upgrades=N reloads=N faces=N generation=N udp=N tcp=N"
 * - upgrade: asks for one; ends without an answer, or answers why there is none
 * - busy 1: from now on refuses to leave for another version; busy 0: no more
 * - spoil PATH: makes PATH not executable when it is asked to leave
 * - hang: "hung", and from then on it hears nothing
 * - exit CODE: ends without an answer */
#ifndef TESTS_SUPPORT_FAKE_JUDGE_H
#define TESTS_SUPPORT_FAKE_JUDGE_H

#define FAKE_JUDGE_VERB "judge-process"
#define FAKE_JUDGE_NAMES 50 /* n0.flip.test .. */

/* argv: program, FAKE_JUDGE_VERB, control socket, port of 127.0.0.1 for DNS, what it does at its
 * start ("serve", or "fail" to end with exit code 7).  Returns the exit code. */
int fake_judge_main(int argc, char **argv);

#endif
