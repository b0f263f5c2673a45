/* dnsflip/engine/journal_codec.h -- one journal entry <-> one line of JSON.  Pure.
 *
 *   {"v":1,"seq":7,"time":"2026-11-23T03:04:05.678Z","kind":"moved",...,"prev":"HEX","hash":"HEX"}
 *
 * hash is the SHA-256 of the line's bytes without its newline and without its last member,
 * `,"hash":"..."`; prev is the hash of the line before, 64 zeros in the first line.  The chain goes
 * on from file to file (journal_old.h).  So anybody can check it without this program, given all
 * files in order:
 *
 *   import fileinput, hashlib, json, re, sys
 *   seq, prev = 0, "0" * 64
 *   for line in fileinput.input(sys.argv[1:], mode="rb"):
 *       part = re.fullmatch(rb'(\{.*),"hash":"([0-9a-f]{64})"\}\n', line)
 *       entry, seq = json.loads(line), seq + 1
 *       assert entry["seq"] == seq and entry["prev"] == prev, f"line {seq}: chain broken"
 *       assert hashlib.sha256(part[1] + b"}").hexdigest() == entry["hash"], f"line {seq}: changed"
 *       prev = entry["hash"]
 *
 * in_batch: how many of the lines before became durable together with this one.  A power cut may
 * leave any part of such a batch, never of what stands before it.
 *
 * Members that are empty, 0 or false are left out, and read as such.  A member that this version
 * does not know is ignored; a kind, verb, state or override it does not know is an error, as is a
 * newer version.  Control characters are escaped; bytes that are not UTF-8 are written as '?'. */
#ifndef DNSFLIP_ENGINE_JOURNAL_CODEC_H
#define DNSFLIP_ENGINE_JOURNAL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/err.h"
#include "dnsflip/model/journal_entry.h"

#define JOURNAL_HASH_BYTES 65 /* SHA-256 in hex and a NUL */

/* The prev of the first line. */
#define JOURNAL_FIRST_PREV "0000000000000000000000000000000000000000000000000000000000000000"

/* Appends the line, newline included, to out and sets hash.  ERR_LIMIT: it does not fit under
 * out's ceiling, or a time is not between 1970 and 9999; out then holds what it held. */
__attribute__((warn_unused_result)) int journal_encode(const struct journal_entry *entry,
                                                       const char *prev, struct buf *out,
                                                       char hash[static JOURNAL_HASH_BYTES],
                                                       struct err *err);

/* What a line can be.  Told apart because only a line that was never finished may be cut. */
enum journal_line {
    JOURNAL_LINE_GOOD = 0,
    JOURNAL_LINE_TORN, /* no JSON object comes to its end in it */
    JOURNAL_LINE_BAD,  /* an object, but changed, out of order, or not ours */
};

/* Reads the n bytes of a line without its newline.  prev and seq are what the line must carry;
 * *entry and hash are set only if it is good, *err if it is not. */
__attribute__((warn_unused_result)) enum journal_line
journal_decode(const char *line, size_t n, const char *prev, uint64_t seq,
               struct journal_entry *entry, char hash[static JOURNAL_HASH_BYTES], struct err *err);

/* Where a line stands as it says itself; whether that is true only journal_decode and the lines
 * before it know. */
struct journal_place {
    bool is_whole; /* its hash is right; else nothing here means anything */
    bool is_head;  /* the first line of a file that follows another */
    uint64_t seq, in_batch;
    char prev[JOURNAL_HASH_BYTES];
};
void journal_decode_place(const char *line, size_t n, struct journal_place *out);

#endif
