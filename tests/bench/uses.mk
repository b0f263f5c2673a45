bench_answer_LIBS := ldns
bench_answer_USES := dnsflip/dns/answer.c dnsflip/dns/answer_edns.c dnsflip/dns/answer_walk.c dnsflip/dns/cookie.c dnsflip/dns/page.c dnsflip/dns/siphash.c dnsflip/dns/view.c dnsflip/render/compose.c dnsflip/render/emit.c dnsflip/render/entry.c dnsflip/render/entry_rdata.c dnsflip/render/managed.c dnsflip/render/names.c dnsflip/render/nodes.c dnsflip/render/nodes_transfer.c dnsflip/render/records.c dnsflip/render/render.c dnsflip/render/wire.c dnsflip/render/zone_check.c dnsflip/model/settings.c dnsflip/base/buf.c dnsflip/base/err.c dnsflip/base/fsio.c dnsflip/base/inet.c dnsflip/base/mem.c dnsflip/base/str.c dnsflip/base/mono.c tests/support/site.c
serve_LIBS := ldns libcrypto
serve_USES := tests/support/zone.c $(wildcard dnsflip/render/*.c) dnsflip/dns/page.c dnsflip/dns/view.c dnsflip/link.c dnsflip/supervisor_child.c dnsflip/supervisor_sockets.c $(wildcard dnsflip/base/*.c)
bench_probes_USES := $(PROBE_IO) probes/probe.c probes/probe_keys.c probes/check.c probes/http.c probes/airflow.c probes/airflow_health.c probes/json.c probes/tcp.c
bench_probes_LIBS := $(PROBE_IO_LIBS) libcjson
bench_route53_USES := $(filter-out tests/%,$(route53_PURE))
