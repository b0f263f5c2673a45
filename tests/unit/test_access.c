/* tests/unit/test_access.c -- who may do what at the control socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "dnsflip/ctl/access.h"

#define OWN_UID 900

static const struct node_cfg node = {
    .read = { .gids = { 50 }, .n_gids = 1 },
    .operate = { .uids = { 1001 }, .gids = { 60, 61 }, .n_uids = 1, .n_gids = 2 },
    .admin = { .uids = { 1002 }, .gids = { 70 }, .n_uids = 1, .n_gids = 1 },
};

static enum access_role role_of(uid_t uid, gid_t first, gid_t second)
{
    gid_t gids[] = { first, second };
    struct access_peer peer = { .uid = uid, .gids = gids, .n_gids = 2 };

    return access_role_of(&node, &peer, OWN_UID);
}

static void the_highest_role_that_uid_or_any_group_gives_is_held(void **state)
{
    (void)state;
    static const struct {
        uid_t uid;
        gid_t first, second;
        enum access_role role;
    } cases[] = {
        { 1000, 1000, 1000, ACCESS_NONE },  { 1000, 50, 1000, ACCESS_READ },
        { 1000, 1000, 50, ACCESS_READ },    { 1001, 1000, 1000, ACCESS_OPERATE },
        { 1000, 1000, 61, ACCESS_OPERATE }, { 1000, 50, 60, ACCESS_OPERATE },
        { 1002, 1000, 1000, ACCESS_ADMIN }, { 1001, 50, 70, ACCESS_ADMIN },
        { 0, 1000, 1000, ACCESS_ADMIN },    { OWN_UID, 1000, 1000, ACCESS_ADMIN },
        { 50, 1000, 1000, ACCESS_NONE },    { 1000, 1001, 1002, ACCESS_NONE },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(role_of(cases[i].uid, cases[i].first, cases[i].second), cases[i].role);
}

static void the_kernel_says_who_connected(void **state)
{
    (void)state;
    struct access_peer peer;
    struct err err;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(access_peer_read(fds[0], &peer, &err), 0);
    assert_int_equal(peer.uid, geteuid());
    assert_true(peer.n_gids >= 1);
    assert_int_equal(peer.gids[0], getegid());
    assert_int_equal(peer.n_gids, 1 + (size_t)getgroups(0, NULL));
    access_peer_fini(&peer);
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
}

static void what_is_no_socket_has_no_peer(void **state)
{
    (void)state;
    struct access_peer peer;
    struct err err;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(access_peer_read(fds[0], &peer, &err), -1);
    assert_int_equal(err.code, ERR_SYS);
    assert_int_equal(close(fds[0]), 0);
    assert_int_equal(close(fds[1]), 0);
}

static void actors_are_named_by_uid_and_by_the_local_file(void **state)
{
    (void)state;
    char actor[ACTOR_BYTES];

    assert_string_equal(access_actor(0, actor), "uid:0 root");
    assert_string_equal(access_actor(3999999999U, actor), "uid:3999999999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_role_that_uid_or_any_group_gives_is_held),
        cmocka_unit_test(the_kernel_says_who_connected),
        cmocka_unit_test(what_is_no_socket_has_no_peer),
        cmocka_unit_test(actors_are_named_by_uid_and_by_the_local_file),
    };

    return cmocka_run_group_tests_name("access", tests, NULL, NULL);
}
