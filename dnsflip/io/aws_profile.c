#include "dnsflip/io/aws_profile.h"

#include <string.h>

#include "dnsflip/base/mem.h"
#include "dnsflip/io/aws_profile_internal.h"

bool aws_ini_has(const struct aws_ini *ini, const char *section)
{
    for (size_t i = 0; i < ini->n_sections; i++) {
        if (strcmp(ini->sections[i].name, section) == 0)
            return true;
    }
    return false;
}

static const char *find(const struct aws_section *section, const char *key)
{
    for (size_t i = 0; i < section->n_options; i++) {
        if (strcmp(section->options[i].key, key) == 0)
            return section->options[i].value;
    }
    return NULL;
}

static const char *get(const struct aws_ini *ini, const struct aws_section *section,
                       const char *key)
{
    const char *value = find(section, key);
    return value != NULL ? value : find(&ini->defaults, key);
}

const char *aws_ini_get(const struct aws_ini *ini, const char *section, const char *key)
{
    for (size_t i = 0; i < ini->n_sections; i++) {
        if (strcmp(ini->sections[i].name, section) == 0)
            return get(ini, &ini->sections[i], key);
    }
    return NULL;
}

static void section_fini(struct aws_section *section)
{
    for (size_t i = 0; i < section->n_options; i++) {
        mem_free(section->options[i].key);
        explicit_bzero(section->options[i].value, strlen(section->options[i].value));
        mem_free(section->options[i].value);
    }
    mem_free(section->options);
    mem_free(section->name);
}

void aws_ini_free(struct aws_ini *ini)
{
    if (ini == NULL)
        return;
    for (size_t i = 0; i < ini->n_sections; i++)
        section_fini(&ini->sections[i]);
    section_fini(&ini->defaults);
    mem_free(ini->sections);
    mem_free(ini);
}

/* ---- both files ------------------------------------------------------------------------------ */

struct aws_profiles {
    struct aws_ini *config, *credentials; /* owned, or NULL */
};

struct aws_profiles *aws_profiles_new(struct aws_ini *config, struct aws_ini *credentials)
{
    struct aws_profiles *profiles = mem_zalloc(sizeof *profiles);
    *profiles = (struct aws_profiles){ .config = config, .credentials = credentials };
    return profiles;
}

void aws_profiles_free(struct aws_profiles *profiles)
{
    if (profiles == NULL)
        return;
    aws_ini_free(profiles->config);
    aws_ini_free(profiles->credentials);
    mem_free(profiles);
}

/* Is section the [default] or [profile NAME] of profile?  As botocore: any first word that begins
 * with "profile" will do. */
static bool is_profile(const char *section, const char *profile)
{
    if (strcmp(section, "default") == 0)
        return strcmp(profile, "default") == 0;
    if (strncmp(section, "profile", 7) != 0)
        return false;
    char **words = aws_words_new(section);
    bool is_it = words != NULL && words[0] != NULL && words[1] != NULL && words[2] == NULL &&
                 strcmp(words[1], profile) == 0;
    aws_words_free(words);
    return is_it;
}

/* Of several that name it the last counts, whole. */
static const struct aws_section *config_section(const struct aws_profiles *profiles,
                                                const char *profile)
{
    const struct aws_ini *ini = profiles->config;
    for (size_t i = ini != NULL ? ini->n_sections : 0; i > 0; i--) {
        if (is_profile(ini->sections[i - 1].name, profile))
            return &ini->sections[i - 1];
    }
    return NULL;
}

bool aws_profiles_has(const struct aws_profiles *profiles, const char *profile)
{
    return config_section(profiles, profile) != NULL ||
           (profiles->credentials != NULL && aws_ini_has(profiles->credentials, profile));
}

const char *aws_profiles_config(const struct aws_profiles *profiles, const char *profile,
                                const char *key)
{
    const struct aws_section *section = config_section(profiles, profile);
    return section != NULL ? get(profiles->config, section, key) : NULL;
}

const char *aws_profiles_credentials(const struct aws_profiles *profiles, const char *profile,
                                     const char *key)
{
    return profiles->credentials != NULL ? aws_ini_get(profiles->credentials, profile, key) : NULL;
}

const char *aws_profiles_get(const struct aws_profiles *profiles, const char *profile,
                             const char *key)
{
    const char *value = aws_profiles_credentials(profiles, profile, key);
    return value != NULL ? value : aws_profiles_config(profiles, profile, key);
}

/* ---- words ----------------------------------------------------------------------------------- */

struct splitter {
    const char *at;
    char *word;    /* being read; as long as the command */
    size_t length; /* of it */
    bool is_open;  /* a word has begun, be it empty */
};

static void take(struct splitter *s, char c)
{
    s->word[s->length++] = c;
    s->is_open = true;
}

/* Behind an opening quote; false if it is not closed. */
static bool quoted(struct splitter *s, char quote)
{
    s->is_open = true;
    for (; *s->at != quote; s->at++) {
        if (*s->at == '\0')
            return false;
        if (quote == '"' && *s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
            s->at++;
        take(s, *s->at);
    }
    s->at++;
    return true;
}

/* The next word into s->word; false at the end or, with *is_bad, at an open quote. */
static bool next_word(struct splitter *s, bool *is_bad)
{
    static const char blanks[] = " \t\r\n";
    s->length = 0;
    s->is_open = false;
    s->at += strspn(s->at, blanks);
    while (*s->at != '\0' && strchr(blanks, *s->at) == NULL) {
        char c = *s->at++;
        if (c == '\'' || c == '"') {
            if (!quoted(s, c)) {
                *is_bad = true;
                return false;
            }
        } else if (c == '\\') {
            if (*s->at == '\0') {
                *is_bad = true;
                return false;
            }
            take(s, *s->at++);
        } else {
            take(s, c);
        }
    }
    return s->is_open;
}

static void wipe(char *text)
{
    explicit_bzero(text, strlen(text));
    mem_free(text);
}

char **aws_words_new(const char *command)
{
    size_t n = strlen(command);
    struct splitter s = { .at = command, .word = mem_zalloc(n + 1) };
    char **words = mem_array(AWS_WORDS_MAX + 1, sizeof *words);
    size_t n_words = 0;
    bool is_bad = false;
    while (!is_bad && next_word(&s, &is_bad)) {
        if (n_words == AWS_WORDS_MAX)
            is_bad = true;
        else
            words[n_words++] = mem_strndup(s.word, s.length);
    }
    explicit_bzero(s.word, n);
    mem_free(s.word);
    if (is_bad) {
        aws_words_free(words);
        return NULL;
    }
    return words;
}

void aws_words_free(char **words)
{
    if (words == NULL)
        return;
    for (size_t i = 0; words[i] != NULL; i++)
        wipe(words[i]);
    mem_free(words);
}
