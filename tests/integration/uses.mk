# Everything that probes reach the network with.
PROBE_IO := dnsflip/io/loop.c dnsflip/io/io.c dnsflip/io/connect.c dnsflip/io/http.c dnsflip/io/http_shard.c dnsflip/io/http_handle.c dnsflip/io/http_tls.c dnsflip/io/http_reason.c dnsflip/io/dns_client.c dnsflip/io/dns_tcp.c dnsflip/io/dns_stub.c dnsflip/io/dns_wire.c dnsflip/base/buf.c dnsflip/base/err.c dnsflip/base/fsio.c dnsflip/base/inet.c dnsflip/base/mem.c dnsflip/base/mono.c dnsflip/base/str.c dnsflip/base/wall.c dnsflip/model/observation.c
PROBE_IO_LIBS := libcurl libevent_core openssl
test_exec_LIBS := libevent_core
test_exec_USES := dnsflip/io/exec.c dnsflip/io/loop.c dnsflip/base/buf.c dnsflip/base/err.c dnsflip/base/fsio.c dnsflip/base/mem.c dnsflip/base/mono.c dnsflip/base/str.c dnsflip/base/wall.c tests/support/tempdir.c
test_hooks_LIBS := libevent_core
test_hooks_USES := dnsflip/engine/hooks.c dnsflip/engine/hooks_proof.c dnsflip/engine/hooks_run.c dnsflip/io/exec.c dnsflip/io/loop.c dnsflip/model/decision.c dnsflip/model/observation.c dnsflip/base/buf.c dnsflip/base/err.c dnsflip/base/fsio.c dnsflip/base/inet.c dnsflip/base/mem.c dnsflip/base/mono.c dnsflip/base/str.c dnsflip/base/wall.c tests/support/tempdir.c
test_http_LIBS := $(PROBE_IO_LIBS)
test_http_USES := $(PROBE_IO) tests/support/probe_server.c tests/support/tempdir.c
test_probes_LIBS := $(PROBE_IO_LIBS) libcjson
test_probes_USES := $(PROBE_IO) probes/probe.c probes/probe_keys.c probes/check.c probes/http.c probes/airflow.c probes/airflow_health.c probes/json.c probes/tcp.c tests/support/probe_server.c tests/support/tempdir.c
test_processes_LIBS := ldns libcrypto
test_processes_USES := tests/support/instance.c tests/support/fake_judge.c tests/support/zone.c tests/support/tempdir.c $(wildcard dnsflip/supervisor*.c) dnsflip/link.c $(wildcard dnsflip/render/*.c) dnsflip/dns/counters.c dnsflip/dns/page.c dnsflip/dns/view.c $(wildcard dnsflip/base/*.c)
test_tcp_LIBS := ldns libcrypto
test_tcp_USES := tests/support/instance.c tests/support/fake_judge.c tests/support/zone.c tests/support/tempdir.c $(wildcard dnsflip/supervisor*.c) dnsflip/link.c $(wildcard dnsflip/render/*.c) dnsflip/dns/counters.c dnsflip/dns/page.c dnsflip/dns/view.c $(wildcard dnsflip/base/*.c) dnsflip/dns/server_frame.c
test_dns_client_USES := dnsflip/io/loop.c dnsflip/io/connect.c dnsflip/io/dns_client.c dnsflip/io/dns_tcp.c dnsflip/io/dns_stub.c dnsflip/io/dns_wire.c dnsflip/base/buf.c dnsflip/base/err.c dnsflip/base/fsio.c dnsflip/base/inet.c dnsflip/base/mem.c dnsflip/base/mono.c dnsflip/base/str.c dnsflip/base/wall.c
test_dns_client_LIBS := libevent_core
