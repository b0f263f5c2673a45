/* tests/unit/test_buf.c -- buffers that grow up to a ceiling; the heap functions below them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/base/buf.h"
#include "dnsflip/base/mem.h"

static void an_unused_buffer_is_empty_text(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 10);
    assert_string_equal(buf_text(&b), "");
    assert_null(b.data);
    buf_reset(&b);
    buf_consume(&b, 0);
    assert_string_equal(buf_text(&b), "");
    buf_fini(&b);
}

static void appends_add_up_and_stay_terminated(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 1000);
    assert_true(buf_puts(&b, "one"));
    assert_true(buf_putc(&b, ' '));
    assert_true(buf_printf(&b, "%d-%s", 2, "two"));
    assert_true(buf_add(&b, "\0x", 2));
    assert_true(buf_add(&b, NULL, 0));
    assert_int_equal(b.len, 11);
    assert_memory_equal(b.data, "one 2-two\0x", 12);
    buf_fini(&b);
}

static void growth_keeps_every_byte(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_true(buf_putc(&b, (char)('a' + i % 26)));
    assert_int_equal(b.len, 100000);
    assert_true(b.cap <= 100001);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.data[i], 'a' + i % 26);
    assert_int_equal(b.data[100000], '\0');
    buf_fini(&b);
}

static void the_ceiling_itself_fits_and_one_more_does_not(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 5);
    assert_true(buf_puts(&b, "12345"));
    assert_false(b.overflowed);
    assert_false(buf_putc(&b, '6'));
    assert_true(b.overflowed);
    assert_string_equal(buf_text(&b), "12345");
    buf_fini(&b);
}

static void after_an_overflow_all_appends_are_dropped_until_a_reset(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 5);
    assert_true(buf_puts(&b, "123"));
    assert_false(buf_printf(&b, "%s", "456"));
    assert_false(buf_puts(&b, "4"));
    assert_false(buf_add(&b, "", 0));
    assert_string_equal(buf_text(&b), "123");
    buf_reset(&b);
    assert_string_equal(buf_text(&b), "");
    assert_true(buf_printf(&b, "%s", "45678"));
    assert_string_equal(buf_text(&b), "45678");
    buf_fini(&b);
}

static void consuming_moves_the_rest_to_the_front(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 20);
    assert_true(buf_puts(&b, "line1\nline2"));
    buf_consume(&b, 6);
    assert_string_equal(buf_text(&b), "line2");
    assert_int_equal(b.len, 5);
    buf_consume(&b, 5);
    assert_string_equal(buf_text(&b), "");
    assert_true(buf_puts(&b, "12345678901234567890"));
    buf_fini(&b);
}

static void a_finished_buffer_may_be_used_again_under_the_same_ceiling(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 3);
    assert_true(buf_puts(&b, "abc"));
    buf_fini(&b);
    assert_null(b.data);
    assert_true(buf_puts(&b, "def"));
    assert_false(buf_putc(&b, 'g'));
    buf_fini(&b);
}

/* What is read is memory that the buffer still owns, so that the look is a legal one. */
static void a_secret_buffer_keeps_nothing_that_it_gave_up(void **state)
{
    (void)state;
    struct buf b;

    buf_init(&b, 4096);
    b.is_secret = true;
    for (int i = 0; i < 100; i++)
        assert_true(buf_puts(&b, "0123456789"));
    assert_int_equal(b.len, 1000);
    assert_memory_equal(b.data, "01234567890123456789", 20);
    buf_consume(&b, 995);
    assert_string_equal(buf_text(&b), "56789");
    for (size_t i = b.len; i < b.cap; i++)
        assert_int_equal(b.data[i], 0);
    buf_reset(&b);
    for (size_t i = 0; i < b.cap; i++)
        assert_int_equal(b.data[i], 0);
    buf_fini(&b);
    assert_true(b.is_secret);
}

static void fresh_memory_is_zeroed_and_copies_are_terminated(void **state)
{
    (void)state;
    static const char zeroes[64];
    char *bytes = mem_zalloc(sizeof(zeroes));
    char *array = mem_array(8, 8);
    char *empty = mem_zalloc(0);
    char *copy = mem_strdup("whole");
    char *part = mem_strndup("partial", 4);

    assert_memory_equal(bytes, zeroes, sizeof(zeroes));
    assert_memory_equal(array, zeroes, sizeof(zeroes));
    assert_non_null(empty);
    assert_string_equal(copy, "whole");
    assert_string_equal(part, "part");
    copy = mem_resize(copy, 100, 1);
    assert_string_equal(copy, "whole");
    copy = mem_resize(copy, 0, 1);
    assert_non_null(copy);
    mem_free(bytes);
    mem_free(array);
    mem_free(empty);
    mem_free(copy);
    mem_free(part);
    mem_free(NULL);
}

static void memory_that_cannot_be_had_ends_the_process(void **state)
{
    (void)state;
    volatile size_t too_many = SIZE_MAX / 4;
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        mem_free(mem_resize(NULL, too_many, 8));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unused_buffer_is_empty_text),
        cmocka_unit_test(appends_add_up_and_stay_terminated),
        cmocka_unit_test(growth_keeps_every_byte),
        cmocka_unit_test(the_ceiling_itself_fits_and_one_more_does_not),
        cmocka_unit_test(after_an_overflow_all_appends_are_dropped_until_a_reset),
        cmocka_unit_test(consuming_moves_the_rest_to_the_front),
        cmocka_unit_test(a_finished_buffer_may_be_used_again_under_the_same_ceiling),
        cmocka_unit_test(a_secret_buffer_keeps_nothing_that_it_gave_up),
        cmocka_unit_test(fresh_memory_is_zeroed_and_copies_are_terminated),
        cmocka_unit_test(memory_that_cannot_be_had_ends_the_process),
    };

    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
