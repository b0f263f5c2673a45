/* dnsflip/beacon/beacon.h -- the thread that answers health checkers over HTTP.  It reads what the
 * DNS threads read, the published pair, and shares nothing else with them: a slow checker holds up
 * no answer.  No allocation, no lock, no log while it answers. */
#ifndef DNSFLIP_BEACON_BEACON_H
#define DNSFLIP_BEACON_BEACON_H

/* Body of a thread of dns/server; arg is its struct server_thread.  One request a connection; a
 * connection that has not sent it within 2 s, or does not end within 2 s after its answer, is cut,
 * and the oldest is when there are 512. */
void *beacon_run(void *arg);

#endif
