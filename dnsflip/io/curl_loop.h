/* dnsflip/io/curl_loop.h -- a curl multi handle driven by the loop; io/http and io/web hold some.
 */
#ifndef DNSFLIP_IO_CURL_LOOP_H
#define DNSFLIP_IO_CURL_LOOP_H

#include <stdbool.h>

#include <curl/curl.h>

struct loop;
struct loop_timer;

/* Stays where it is from curl_loop_init to curl_loop_fini: curl points to it. */
struct curl_loop {
    struct loop *loop;                           /* borrowed */
    CURLM *multi;                                /* owned */
    struct loop_timer *timer;                    /* owned */
    void (*finished)(CURL *easy, CURLcode code); /* for each transfer that ended */
};

/* At most connections_max connections are kept and in flight.  False if there is no memory. */
bool curl_loop_init(struct curl_loop *curl, struct loop *loop, long connections_max,
                    void (*finished)(CURL *easy, CURLcode code));
void curl_loop_fini(struct curl_loop *curl);

#endif
