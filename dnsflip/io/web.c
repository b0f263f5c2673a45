#include "dnsflip/io/web.h"

#include <signal.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/web_internal.h"

static void call_free(struct web_call *call)
{
    struct web *web = call->web;
    if (call->prev != NULL)
        call->prev->next = call->next;
    else
        web->calls = call->next;
    if (call->next != NULL)
        call->next->prev = call->prev;
    web->n_calls--;
    if (call->easy != NULL)
        curl_easy_cleanup(call->easy);
    web_copy_fini(&call->copy);
    buf_fini(&call->body);
    mem_free(call);
}

static void finished(CURL *easy, CURLcode code)
{
    struct web_call *call = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
    struct web_answer answer = { .body = "", .error_type = call->error_type };
    web_easy_outcome(call, code, &answer);
    curl_multi_remove_handle(call->web->curl.multi, easy);
    if (answer.outcome == WEB_ANSWERED) {
        answer.body = buf_text(&call->body);
        answer.body_bytes = call->body.len;
    }
    if (call->date[0] != '\0') {
        time_t date = curl_getdate(call->date, NULL);
        answer.date.ms = date > 0 ? (int64_t)date * 1000 : 0;
    }
    call->done(call->arg, &answer);
    call_free(call);
}

int web_new(struct loop *loop, struct web **out, struct err *err)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_SYS, "libcurl cannot start");
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return err_set(err, ERR_SYS, "SIGPIPE cannot be ignored");
    struct web *web = mem_zalloc(sizeof *web);
    if (!curl_loop_init(&web->curl, loop, WEB_CALLS_MAX, finished)) {
        mem_free(web);
        return err_set(err, ERR_NOMEM, "no memory for HTTP requests");
    }
    *out = web;
    return 0;
}

void web_free(struct web *web)
{
    if (web == NULL)
        return;
    while (web->calls != NULL)
        web_cancel(web->calls);
    curl_loop_fini(&web->curl);
    mem_free(web);
    curl_global_cleanup();
}

int web_start(struct web *web, const struct web_request *request, web_done *done, void *arg,
              struct web_call **out, struct err *err)
{
    if (web->n_calls >= WEB_CALLS_MAX)
        return err_set(err, ERR_LIMIT, "%d HTTP requests are in flight already", WEB_CALLS_MAX);
    struct web_copy copy;
    if (web_copy_init(&copy, request, err) != 0)
        return -1;
    struct web_call *call = mem_zalloc(sizeof *call);
    *call =
        (struct web_call){ .web = web, .copy = copy, .done = done, .arg = arg, .next = web->calls };
    if (web->calls != NULL)
        web->calls->prev = call;
    web->calls = call;
    web->n_calls++;
    buf_init(&call->body, copy.answer_max_bytes);
    call->body.is_secret = true;
    if (!web_easy_prepare(call) || curl_multi_add_handle(web->curl.multi, call->easy) != CURLM_OK) {
        call_free(call);
        return err_set(err, ERR_NOMEM, "no memory for another HTTP request");
    }
    *out = call;
    return 0;
}

void web_cancel(struct web_call *call)
{
    curl_multi_remove_handle(call->web->curl.multi, call->easy);
    call_free(call);
}
