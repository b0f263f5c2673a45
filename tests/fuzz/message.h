/* tests/fuzz/message.h -- a reader of DNS messages that has nothing to do with the one under test:
 * is every record whole, every count true, every pointer aimed backwards? */
#ifndef TESTS_FUZZ_MESSAGE_H
#define TESTS_FUZZ_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool message_is_whole(const uint8_t *message, size_t len);

#endif
