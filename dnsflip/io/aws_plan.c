#include "dnsflip/io/aws_plan.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/base/str.h"
#include "dnsflip/io/aws_env.h"
#include "dnsflip/io/aws_plan_internal.h"
#include "dnsflip/io/aws_profile.h"

#define SESSION_NAME "dnsflip"

void aws_plan_free(struct aws_plan *plan)
{
    if (plan == NULL)
        return;
    aws_keys_fini(&plan->keys);
    secret_free(plan->token);
    explicit_bzero(plan, sizeof *plan);
    mem_free(plan);
}

int aws_plan_text(char out[static AWS_PLAN_TEXT_BYTES], const char *text, const char *what,
                  struct err *err)
{
    if (!str_copy(out, AWS_PLAN_TEXT_BYTES, text))
        return err_set(err, ERR_LIMIT, "%s is longer than %d bytes", what, AWS_PLAN_TEXT_BYTES - 1);
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return err_set(err, ERR_CONFIG, "%s holds a control character", what);
    }
    return 0;
}

const char *aws_plan_get(const struct aws_choice *c, const char *profile, const char *key)
{
    return aws_profiles_get(c->profiles, profile, key);
}

/* ---- one kind of source each: 1 = chosen, 0 = not configured, -1 = err ------------------------
 */

static int from_environment(struct aws_choice *c, struct err *err)
{
    const char *id = aws_env_text(c->env, "AWS_ACCESS_KEY_ID");
    if (id[0] == '\0')
        return 0;
    const char *token = aws_env_text(c->env, "AWS_SECURITY_TOKEN");
    if (token[0] == '\0')
        token = aws_env_text(c->env, "AWS_SESSION_TOKEN");
    c->plan->base = AWS_BASE_KEYS;
    str_copy(c->plan->source, AWS_SOURCE_BYTES, "environment");
    if (aws_keys_init(&c->plan->keys, id, aws_env_text(c->env, "AWS_SECRET_ACCESS_KEY"), token,
                      aws_env_text(c->env, "AWS_CREDENTIAL_EXPIRATION"), err) != 0)
        return err_wrap(err, "environment");
    return 1;
}

/* A key of the web identity: of the environment first, unless a profile was named to us. */
static const char *web_text(const struct aws_choice *c, const char *profile, bool asks_env,
                            const char *variable, const char *key)
{
    const char *value = asks_env ? aws_env_get(c->env, variable) : NULL;
    return value != NULL ? value : aws_plan_get(c, profile, key);
}

static int from_web_identity(struct aws_choice *c, const char *profile, bool asks_env,
                             struct err *err)
{
    struct aws_plan *plan = c->plan;
    const char *file =
        web_text(c, profile, asks_env, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    if (file == NULL || file[0] == '\0')
        return 0;
    const char *arn = web_text(c, profile, asks_env, "AWS_ROLE_ARN", "role_arn");
    const char *name = web_text(c, profile, asks_env, "AWS_ROLE_SESSION_NAME", "role_session_name");
    if (arn == NULL || arn[0] == '\0')
        return err_set(err, ERR_CONFIG,
                       "web identity: there is a token file and no role: set role_arn in profile "
                       "%s or AWS_ROLE_ARN",
                       profile);
    plan->base = AWS_BASE_WEB_IDENTITY;
    str_format(plan->source, AWS_SOURCE_BYTES, "web identity, role %s", arn);
    if (aws_plan_text(plan->path, file, "web_identity_token_file", err) != 0 ||
        aws_plan_text(plan->web.arn, arn, "role_arn", err) != 0 ||
        aws_plan_text(plan->web.session_name, name != NULL ? name : SESSION_NAME,
                      "role_session_name", err) != 0)
        return -1;
    return 1;
}

static int refuse_login(const struct aws_choice *c, const char *profile, struct err *err)
{
    (void)c;
    return err_set(
        err, ERR_CONFIG,
        "profile %s signs in with a browser (login_session), which a daemon cannot: give "
        "it a role, keys or a credential_process",
        profile);
}

static int refuse_sso(const struct aws_choice *c, const char *profile, struct err *err)
{
    (void)c;
    return err_set(err, ERR_CONFIG,
                   "profile %s uses SSO (sso_role_name, sso_account_id), whose sign-in ends after "
                   "hours: give dnsflip a role, keys or a credential_process",
                   profile);
}

static int from_keys(struct aws_choice *c, const char *profile,
                     const char *(*get)(const struct aws_profiles *, const char *, const char *),
                     const char *where, struct err *err)
{
    const char *id = get(c->profiles, profile, "aws_access_key_id");
    if (id == NULL)
        return 0;
    const char *token = get(c->profiles, profile, "aws_security_token");
    if (token == NULL)
        token = get(c->profiles, profile, "aws_session_token");
    c->plan->base = AWS_BASE_KEYS;
    str_format(c->plan->source, AWS_SOURCE_BYTES, "%s, profile %s", where, profile);
    if (aws_keys_init(&c->plan->keys, id, get(c->profiles, profile, "aws_secret_access_key"), token,
                      NULL, err) != 0)
        return err_wrap(err, "%s, profile %s", where, profile);
    return 1;
}

static int from_process(struct aws_choice *c, const char *profile, struct err *err)
{
    const char *command = aws_plan_get(c, profile, "credential_process");
    if (command == NULL)
        return 0;
    c->plan->base = AWS_BASE_PROCESS;
    str_format(c->plan->source, AWS_SOURCE_BYTES, "credential_process of profile %s", profile);
    if (!str_copy(c->plan->command, AWS_PLAN_TEXT_BYTES, command))
        return err_set(err, ERR_LIMIT, "credential_process of profile %s is longer than %d bytes",
                       profile, AWS_PLAN_TEXT_BYTES - 1);
    return 1;
}

/* What a profile itself may hold, in botocore's order. */
static int from_profile(struct aws_choice *c, const char *profile, bool asks_env, struct err *err)
{
    int rc = from_web_identity(c, profile, asks_env, err);
    if (rc == 0 && (aws_plan_get(c, profile, "sso_role_name") != NULL ||
                    aws_plan_get(c, profile, "sso_account_id") != NULL))
        rc = refuse_sso(c, profile, err);
    if (rc == 0)
        rc = from_keys(c, profile, aws_profiles_credentials, "shared credentials file", err);
    if (rc == 0 && aws_plan_get(c, profile, "login_session") != NULL)
        rc = refuse_login(c, profile, err);
    if (rc == 0)
        rc = from_process(c, profile, err);
    if (rc == 0)
        rc = from_keys(c, profile, aws_profiles_config, "config file", err);
    return rc;
}

/* ---- roles ----------------------------------------------------------------------------------- */

static bool has_role(const struct aws_choice *c, const char *profile)
{
    return aws_plan_get(c, profile, "role_arn") != NULL &&
           aws_plan_get(c, profile, "web_identity_token_file") == NULL;
}

static bool has_keys(const struct aws_choice *c, const char *profile)
{
    return aws_plan_get(c, profile, "aws_access_key_id") != NULL ||
           aws_plan_get(c, profile, "aws_secret_access_key") != NULL;
}

static int add_role(struct aws_choice *c, const char *profile, struct err *err)
{
    if (c->plan->n_roles == AWS_ROLES_MAX)
        return err_set(err, ERR_LIMIT,
                       "profile %s: more than %d roles are assumed from one another", profile,
                       AWS_ROLES_MAX);
    if (aws_plan_get(c, profile, "mfa_serial") != NULL)
        return err_set(
            err, ERR_CONFIG,
            "profile %s asks for a code of a person's device (mfa_serial), which a daemon "
            "cannot give: use a role without it",
            profile);
    struct aws_role *role = &c->plan->roles[c->plan->n_roles++];
    const char *external_id = aws_plan_get(c, profile, "external_id");
    const char *name = aws_plan_get(c, profile, "role_session_name");
    const char *duration = aws_plan_get(c, profile, "duration_seconds");
    /* One that is no number is passed over, as botocore does. */
    if (duration == NULL || !str_parse_u64(duration, UINT32_MAX, &role->duration_s))
        role->duration_s = 0;
    if (aws_plan_text(role->arn, aws_plan_get(c, profile, "role_arn"), "role_arn", err) != 0 ||
        aws_plan_text(role->external_id, external_id != NULL ? external_id : "", "external_id",
                      err) != 0 ||
        aws_plan_text(role->session_name, name != NULL ? name : SESSION_NAME, "role_session_name",
                      err) != 0)
        return err_wrap(err, "profile %s", profile);
    return 0;
}

static int from_named(struct aws_choice *c, const char *profile, const char *source,
                      struct err *err)
{
    int rc = 0;
    if (strcmp(source, "Environment") == 0)
        rc = from_environment(c, err);
    else if (strcmp(source, "EcsContainer") == 0)
        rc = aws_plan_container(c, err);
    else if (strcmp(source, "Ec2InstanceMetadata") == 0)
        rc = aws_plan_imds(c, err);
    else
        return err_set(err, ERR_CONFIG,
                       "profile %s: credential_source is not Environment, EcsContainer or "
                       "Ec2InstanceMetadata",
                       profile);
    if (rc == 0)
        return err_set(err, ERR_CONFIG, "profile %s: credential_source %s has no credentials",
                       profile, source);
    return rc;
}

static int check_loop(const struct aws_choice *c, const char *profile, const char *source,
                      struct err *err)
{
    for (size_t i = 0; i < c->n_visited; i++) {
        if (strcmp(c->visited[i], source) != 0)
            continue;
        if (strcmp(source, profile) == 0 && has_keys(c, source))
            return 0;
        return err_set(err, ERR_CONFIG, "profile %s: source_profile %s leads in a circle", profile,
                       source);
    }
    return 0;
}

/* The role of profile, and those it is assumed from, down to the source of the first. */
static int from_role(struct aws_choice *c, const char *profile, struct err *err)
{
    for (;;) {
        const char *source = aws_plan_get(c, profile, "source_profile");
        const char *named = aws_plan_get(c, profile, "credential_source");
        if ((source == NULL) == (named == NULL))
            return err_set(err, ERR_CONFIG,
                           "profile %s: a role needs %s source_profile or credential_source",
                           profile, source == NULL ? "a" : "one of, not both,");
        if (add_role(c, profile, err) != 0)
            return -1;
        if (named != NULL)
            return from_named(c, profile, named, err);
        if (!aws_profiles_has(c->profiles, source))
            return err_set(err, ERR_CONFIG, "profile %s: source_profile %.128s does not exist",
                           profile, source);
        if (check_loop(c, profile, source, err) != 0)
            return -1;
        c->visited[c->n_visited++] = source; /* no more than the roles */
        if (has_keys(c, source) || !has_role(c, source)) {
            int rc = from_profile(c, source, false, err);
            return rc != 0 ? rc
                           : err_set(err, ERR_CONFIG,
                                     "profile %s: source_profile %.128s has no credentials",
                                     profile, source);
        }
        profile = source;
    }
}

/* ---- the region ------------------------------------------------------------------------------ */

static int set_region(struct aws_choice *c, struct err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const char *region = c->cfg->region;
    const char *where = "region";
    if (region[0] == '\0')
        region = aws_env_text(c->env, where = "AWS_REGION");
    if (region[0] == '\0')
        region = aws_env_text(c->env, where = "AWS_DEFAULT_REGION");
    if (region[0] == '\0') {
        region = aws_plan_get(c, c->profile, where = "region");
        if (region == NULL)
            return 0;
    }
    /* It becomes part of a hostname. */
    if (region[strspn(region, allowed)] != '\0' ||
        !str_copy(c->plan->region, sizeof c->plan->region, region))
        return err_set(err, ERR_CONFIG, "%s is not the name of a region, like eu-west-1", where);
    return 0;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static int choose(struct aws_choice *c, struct err *err)
{
    const char *named = c->cfg->profile[0] != '\0' ? c->cfg->profile : NULL;
    bool is_ours = named != NULL;
    if (named == NULL)
        named = aws_env_get(c->env, "AWS_DEFAULT_PROFILE");
    if (named == NULL)
        named = aws_env_get(c->env, "AWS_PROFILE");
    if (named != NULL && !aws_profiles_has(c->profiles, named))
        return err_set(err, ERR_CONFIG,
                       "AWS profile \"%.128s\" is in neither the config nor the credentials file",
                       named);
    c->profile = named != NULL ? named : "default";
    c->visited[c->n_visited++] = c->profile;

    if (set_region(c, err) != 0)
        return -1;
    int rc = is_ours ? 0 : from_environment(c, err);
    if (rc == 0 && has_role(c, c->profile))
        rc = from_role(c, c->profile, err);
    if (rc == 0)
        rc = from_profile(c, c->profile, !is_ours, err);
    if (rc == 0)
        rc = aws_plan_container(c, err);
    if (rc == 0)
        rc = aws_plan_imds(c, err);
    if (rc == 0)
        return err_set(err, ERR_CONFIG,
                       "no AWS credentials: %s; profile %s has no role, keys or "
                       "credential_process; no web identity (AWS_WEB_IDENTITY_TOKEN_FILE); no "
                       "container (AWS_CONTAINER_CREDENTIALS_FULL_URI); instance metadata is "
                       "switched off (AWS_EC2_METADATA_DISABLED)",
                       is_ours ? "the environment is not asked when a profile is named"
                               : "no AWS_ACCESS_KEY_ID",
                       c->profile);
    return rc < 0 ? -1 : 0;
}

int aws_plan_new(const struct aws_cfg *cfg, const struct aws_env *env,
                 const struct aws_profiles *profiles, struct aws_plan **out, struct err *err)
{
    struct aws_choice c = { .cfg = cfg, .env = env, .profiles = profiles };
    c.plan = mem_zalloc(sizeof *c.plan);
    if (choose(&c, err) != 0) {
        aws_plan_free(c.plan);
        return -1;
    }
    if (c.plan->n_roles > 0) {
        char base[AWS_SOURCE_BYTES];
        str_copy(base, sizeof base, c.plan->source);
        str_format(c.plan->source, AWS_SOURCE_BYTES, "assumed role %s, from %s",
                   c.plan->roles[0].arn, base);
    }
    *out = c.plan;
    return 0;
}
