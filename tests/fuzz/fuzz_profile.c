/* tests/fuzz/fuzz_profile.c -- any bytes as the two AWS files, and the source chosen from them.
 *
 *   choices | the config file | 0x01 | the credentials file */
#include <assert.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_env.h"
#include "dnsflip/io/aws_plan.h"
#include "dnsflip/io/aws_profile.h"
#include "tests/fuzz/fuzz.h"

#define IS_NAMED 1 /* choices */
#define HAS_ENVIRONMENT 2
#define HAS_METADATA 4

static struct aws_ini *read_file(const uint8_t *data, size_t n)
{
    struct aws_ini *ini = NULL;
    struct err err = { .text = "" };

    if (aws_ini_parse("file", (const char *)data, n, &ini, &err) == 0)
        return ini;
    assert(str_starts(err.text, "file:"));
    assert(strstr(err.text, "SECRET") == NULL);
    return NULL;
}

static void check(const struct aws_plan *plan)
{
    assert(plan->source[0] != '\0' && plan->n_roles <= AWS_ROLES_MAX);
    for (size_t i = 0; i < plan->n_roles; i++)
        assert(strpbrk(plan->roles[i].arn, "\r\n") == NULL);
    switch (plan->base) {
    case AWS_BASE_KEYS:
        assert(plan->keys.secret_key != NULL && plan->keys.access_key_id[0] != '\0');
        break;
    case AWS_BASE_WEB_IDENTITY:
        assert(plan->path[0] != '\0' && plan->web.arn[0] != '\0');
        break;
    case AWS_BASE_PROCESS: {
        char **words = aws_words_new(plan->command);
        aws_words_free(words);
        break;
    }
    case AWS_BASE_CONTAINER:
    case AWS_BASE_IMDS:
        assert(str_starts(plan->url, "http") && plan->tries > 0 && plan->timeout_ms > 0);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char id[] = "AWS_ACCESS_KEY_ID=AKIAENV";
    static char secret[] = "AWS_SECRET_ACCESS_KEY=x";
    static char off[] = "AWS_EC2_METADATA_DISABLED=true";
    struct fuzz_input in = { .at = data, .n = size };
    uint8_t choices = fuzz_byte(&in);
    const uint8_t *middle = in.n > 0 ? memchr(in.at, 1, in.n) : NULL;
    size_t n_config = middle != NULL ? (size_t)(middle - in.at) : in.n;
    char *items[4] = { NULL };
    size_t n_items = 0;
    struct aws_env env;
    struct aws_cfg cfg = { 0 };
    struct aws_plan *plan = NULL;
    struct err err = { .text = "" };

    struct fuzz_input config = fuzz_take(&in, n_config);
    (void)fuzz_byte(&in);
    struct aws_profiles *profiles = aws_profiles_new(
        read_file(config.at, config.n), middle != NULL ? read_file(in.at, in.n) : NULL);
    if ((choices & IS_NAMED) != 0)
        str_copy(cfg.profile, sizeof(cfg.profile), "x");
    if ((choices & HAS_ENVIRONMENT) != 0) {
        items[n_items++] = id;
        items[n_items++] = secret;
    }
    if ((choices & HAS_METADATA) == 0)
        items[n_items++] = off;
    aws_env_init(&env, items);
    if (aws_plan_new(&cfg, &env, profiles, &plan, &err) == 0)
        check(plan);
    else
        assert(err.text[0] != '\0');
    aws_plan_free(plan);
    aws_env_fini(&env);
    aws_profiles_free(profiles);
    return 0;
}
