#include "dnsflip/base/mem.h"
#include "dnsflip/io/http_internal.h"

/* Kept and in flight, of one multi handle.  Unless told, curl keeps four connections per handle in
 * flight: almost none of ours. */
#define CONNECTIONS_MAX (2L * HTTP_PER_SHARD)

struct http_shard *http_shard_new(struct loop *loop, void (*finished)(CURL *easy, CURLcode code))
{
    struct http_shard *shard = mem_zalloc(sizeof *shard);
    if (!curl_loop_init(&shard->curl, loop, CONNECTIONS_MAX, finished)) {
        mem_free(shard);
        return NULL;
    }
    for (size_t i = 0; i < HTTP_PER_SHARD; i++)
        shard->slots[i].fd = -1;
    for (size_t i = 0; i < HTTP_PER_SHARD / HTTP_PER_SHARE; i++) {
        shard->shares[i] = curl_share_init();
        if (shard->shares[i] != NULL)
            curl_share_setopt(shard->shares[i], CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    }
    return shard;
}

void http_shard_free(struct http_shard *shard)
{
    if (shard == NULL)
        return;
    curl_loop_fini(&shard->curl);
    for (size_t i = 0; i < HTTP_PER_SHARD / HTTP_PER_SHARE; i++)
        curl_share_cleanup(shard->shares[i]);
    mem_free(shard);
}
