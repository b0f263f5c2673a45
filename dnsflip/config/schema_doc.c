#include "dnsflip/config/schema_doc.h"

#include <stdint.h>
#include <string.h>

#include "dnsflip/base/str.h"
#include "dnsflip/config/schema.h"
#include "dnsflip/config/value.h"

#define WORDS_BYTES 1024
#define MAN_WIDTH 72 /* before hyphens are escaped */

/* One word as mdoc takes it. */
static void man_word(const char *word, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (word[i] == '\\')
            buf_puts(out, "\\e");
        else if (word[i] == '-')
            buf_puts(out, "\\-");
        else
            buf_putc(out, word[i]);
    }
}

/* Running text: a new sentence begins a new line, and no line is long, as mdoc wants it. */
static void man_text(const char *text, size_t width, struct buf *out)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t n = strcspn(text, " ");
        bool is_end = n > 0 && text[n - 1] == '.' && text[n] == ' ';

        if (column > 0 && column + 1 + n > width) {
            buf_putc(out, '\n');
            column = 0;
        }
        buf_puts(out, column == 0 ? "" : " ");
        man_word(text, n, out);
        column += n + 1;
        text += n + (text[n] == ' ');
        if (is_end) {
            buf_putc(out, '\n');
            column = 0;
        }
    }
}

static void describe(enum schema_part part, const struct key_spec *key, struct buf *out)
{
    if (key->type == KEY_CUSTOM)
        buf_puts(out, schema_custom_of(part, key->name)->words);
    else
        value_describe(key, out);
}

static void man_key(enum schema_part part, const struct key_spec *key, struct buf *out)
{
    struct buf words;

    buf_init(&words, WORDS_BYTES);
    describe(part, key, &words);
    buf_printf(out, ".It Cm %s Ns No : ", key->name);
    man_text(buf_text(&words), SIZE_MAX, out);
    buf_putc(out, '\n');
    buf_fini(&words);
    man_text(key->help, MAN_WIDTH, out);
    if (key->required)
        buf_puts(out, "\nRequired.");
    if (key->fallback != NULL) {
        buf_puts(out, "\nThe default is\n.Ql ");
        man_word(key->fallback, strlen(key->fallback), out);
        buf_puts(out, " .");
    }
    if (!key->may_reload)
        buf_puts(out, "\nA change needs a restart; a reload refuses it.");
    buf_putc(out, '\n');
}

void schema_doc_man(struct buf *out)
{
    for (int part = 0; part < SCHEMA_PARTS; part++) {
        const struct schema_section *section = schema_section((enum schema_part)part);

        if (section->path[0] == '\0')
            buf_puts(out, ".Ss Top of the file\n");
        else
            buf_printf(out, ".Ss %s%s\n", section->path,
                       part == SCHEMA_PROBE_HTTP      ? ", kind http"
                       : part == SCHEMA_PROBE_AIRFLOW ? ", kind airflow"
                                                      : "");
        man_text(section->title, MAN_WIDTH, out);
        buf_puts(out, "\n.Bl -tag -width Ds\n");
        for (const struct key_spec *key = section->keys; key->name != NULL; key++)
            man_key((enum schema_part)part, key, out);
        buf_puts(out, ".El\n");
    }
}

static void json_text(const char *text, struct buf *out)
{
    buf_putc(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *text);
    }
    buf_putc(out, '"');
}

static void json_enum(const struct key_spec *key, struct buf *out)
{
    uint64_t number = 0;

    buf_puts(out, "\"enum\": [");
    for (size_t i = 0; key->words[i] != NULL; i++) {
        buf_puts(out, i == 0 ? "" : ", ");
        json_text(key->words[i], out);
        /* A bare 3 is a number to an editor, and a word to us. */
        if (str_parse_u64(key->words[i], UINT32_MAX, &number))
            buf_printf(out, ", %s", key->words[i]);
    }
    buf_putc(out, ']');
}

static void json_type(const struct key_spec *key, struct buf *out)
{
    static const char duration[] = "\"type\": [\"string\", \"integer\"], "
                                   "\"pattern\": \"^(0|([0-9]+(ms|s|m|h|d))+)$\", \"maximum\": 0";

    switch (key->type) {
    case KEY_BOOL:
        buf_puts(out, "\"type\": \"boolean\"");
        break;
    case KEY_UINT:
        buf_printf(out, "\"type\": \"integer\", \"minimum\": %lld, \"maximum\": %lld",
                   (long long)key->min, (long long)key->max);
        break;
    case KEY_DURATION:
    case KEY_TTL:
        buf_puts(out, duration);
        break;
    case KEY_SIZE:
        buf_puts(out, "\"type\": [\"string\", \"integer\"], "
                      "\"pattern\": \"^[0-9]+(B|KiB|MiB|GiB)?$\"");
        break;
    case KEY_ENUM:
        json_enum(key, out);
        break;
    case KEY_PORT:
        buf_puts(out, "\"type\": \"integer\", \"minimum\": 1, \"maximum\": 65535");
        break;
    case KEY_URL_PATH:
        buf_puts(out, "\"type\": \"string\", \"pattern\": \"^/\"");
        break;
    case KEY_NAME:
        buf_puts(out, "\"type\": \"string\", \"pattern\": \"^[a-z0-9]([-_.a-z0-9]*[a-z0-9])?$\", "
                      "\"maxLength\": 63");
        break;
    case KEY_TEXT:
    case KEY_HOSTNAME:
    case KEY_PATH:
        buf_printf(out, "\"type\": \"string\", \"maxLength\": %zu", key->size - 1);
        break;
    case KEY_CUSTOM:
        break;
    }
}

static void json_key(enum schema_part part, const struct key_spec *key, struct buf *out)
{
    buf_puts(out, "        ");
    json_text(key->name, out);
    buf_puts(out, ": { \"description\": ");
    json_text(key->help, out);
    if (key->fallback != NULL) {
        buf_puts(out, ", \"default\": ");
        json_text(key->fallback, out);
    }
    buf_puts(out, ", ");
    if (key->type == KEY_CUSTOM)
        buf_printf(out, "\"allOf\": [%s]", schema_custom_of(part, key->name)->json);
    else
        json_type(key, out);
    buf_puts(out, " }");
}

static void json_keys(enum schema_part part, const char **comma, struct buf *out)
{
    for (const struct key_spec *key = schema_keys(part); key->name != NULL; key++) {
        /* max_body stands in two kinds of probe with one meaning. */
        if (part == SCHEMA_PROBE_AIRFLOW &&
            schema_find(schema_keys(SCHEMA_PROBE_HTTP), key->name) != NULL)
            continue;
        buf_puts(out, *comma);
        json_key(part, key, out);
        *comma = ",\n";
    }
}

static void json_object(enum schema_part part, struct buf *out)
{
    const struct schema_section *section = schema_section(part);
    const char *comma = "";

    buf_puts(out, "      \"description\": ");
    json_text(section->title, out);
    buf_puts(out, ",\n      \"type\": \"object\",\n      \"additionalProperties\": false,\n"
                  "      \"required\": [");
    for (const struct key_spec *key = section->keys; key->name != NULL; key++) {
        if (!key->required)
            continue;
        buf_puts(out, comma);
        json_text(key->name, out);
        comma = ", ";
    }
    buf_puts(out, "],\n      \"properties\": {\n");
    comma = "";
    json_keys(part, &comma, out);
    if (part == SCHEMA_PROBE) {
        json_keys(SCHEMA_PROBE_HTTP, &comma, out);
        json_keys(SCHEMA_PROBE_AIRFLOW, &comma, out);
    }
    buf_puts(out, "\n      }\n");
}

void schema_doc_json(struct buf *out)
{
    static const char shared[] =
        "    \"texts\": { \"type\": [\"string\", \"array\"], \"items\": { \"type\": \"string\" } "
        "},\n"
        "    \"principals\": { \"type\": [\"string\", \"array\"], \"pattern\": \"^[ug]id:\", "
        "\"items\": { \"type\": \"string\", \"pattern\": \"^[ug]id:\" } },\n"
        "    \"command\": { \"type\": \"array\", \"minItems\": 1, \"maxItems\": 32, "
        "\"items\": { \"type\": [\"string\", \"number\", \"boolean\"] } },\n"
        "    \"threshold\": { \"type\": [\"string\", \"integer\"], \"minimum\": 1, "
        "\"pattern\": \"^[0-9]+%?$\" },\n"
        "    \"status\": { \"type\": [\"string\", \"integer\"], \"minimum\": 100, "
        "\"maximum\": 599, \"pattern\": \"^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$\" },\n"
        "    \"json_rules\": { \"type\": \"object\", \"maxProperties\": 16, "
        "\"additionalProperties\": { \"type\": [\"string\", \"number\", \"boolean\", \"null\"] } }";

    buf_puts(out, "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
                  "  \"title\": \"dnsflip.yaml\",\n  \"$ref\": \"#/$defs/file\",\n"
                  "  \"$defs\": {\n");
    for (int part = 0; part < SCHEMA_PROBE_HTTP; part++) {
        buf_printf(out, "    \"%s\": {\n", schema_section((enum schema_part)part)->name);
        json_object((enum schema_part)part, out);
        buf_puts(out, "    },\n");
    }
    buf_puts(out, shared);
    buf_puts(out, "\n  }\n}\n");
}
