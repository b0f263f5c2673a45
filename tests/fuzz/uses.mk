# What each fuzz target links: fuzz_NAME_USES (whole folders: their files come and go) and
# fuzz_NAME_LIBS (pkg-config names).
fuzz_BASE   := $(call in,dnsflip/base dnsflip/model)
fuzz_DNS    := $(fuzz_BASE) $(call in,dnsflip/dns)
fuzz_RENDER := $(fuzz_DNS) $(call in,dnsflip/render) tests/support/site.c
fuzz_PAIR   := $(fuzz_RENDER) tests/fuzz/message.c tests/fuzz/pair.c tests/fuzz/question.c
# The simulated judge, without the main that plays stories.
fuzz_SIM    := $(filter-out tests/sim/sim.c,$(sim_USES))

fuzz_replay_USES := dnsflip/base/buf.c dnsflip/base/err.c dnsflip/base/fsio.c dnsflip/base/mem.c dnsflip/base/str.c

fuzz_airflow_LIBS := libcjson
fuzz_airflow_USES := $(fuzz_BASE) probes/airflow_health.c probes/json.c
fuzz_beacon_LIBS := ldns
fuzz_beacon_USES := $(sort $(fuzz_PAIR) $(call in,dnsflip/beacon))
fuzz_config_LIBS := yaml-0.1 libcrypto libcjson ldns
fuzz_config_USES := $(sort $(fuzz_RENDER) $(config_LOAD) dnsflip/config/reload.c dnsflip/config/warn.c dnsflip/providers/beacon_layout.c)
fuzz_control_LIBS := $(sim_LIBS)
fuzz_control_USES := $(sort $(fuzz_SIM) tests/fuzz/fds.c $(filter-out dnsflip/ctl/client.c dnsflip/ctl/metrics%,$(call in,dnsflip/ctl)))
fuzz_http_LIBS := libcjson
fuzz_http_USES := $(fuzz_BASE) tests/fuzz/fds.c tests/sim/fake_loop.c dnsflip/io/http_server.c
fuzz_journal_LIBS := libcrypto libcjson
fuzz_journal_USES := $(fuzz_BASE) $(filter-out %/journal.c %/journal_writer.c %/journal_merge.c,$(wildcard dnsflip/engine/journal_*.c dnsflip/engine/ledger*.c))
fuzz_query_LIBS := ldns
fuzz_query_USES := $(fuzz_PAIR)
fuzz_route53_LIBS := expat
fuzz_route53_USES := $(fuzz_BASE) dnsflip/io/aws_xml.c dnsflip/providers/route53_claims.c dnsflip/providers/route53_name.c dnsflip/providers/route53_ownership.c dnsflip/providers/route53_read.c dnsflip/providers/route53_set.c
fuzz_secondary_USES := $(fuzz_BASE) dnsflip/io/dns_wire.c
fuzz_tcp_LIBS := ldns
fuzz_tcp_USES := $(fuzz_PAIR)
fuzz_upgrade_USES := $(fuzz_BASE) dnsflip/supervisor_formats.c dnsflip/supervisor_hand_over.c
fuzz_view_LIBS := ldns
fuzz_xml_LIBS := expat libcjson
fuzz_xml_USES := $(fuzz_BASE) dnsflip/io/aws_error.c dnsflip/io/aws_xml.c
fuzz_view_USES := $(fuzz_RENDER) $(call in,dnsflip/beacon) tests/fuzz/hostile.c tests/fuzz/message.c tests/fuzz/question.c
fuzz_zone_LIBS := ldns
fuzz_zone_USES := $(fuzz_RENDER) tests/fuzz/hostile.c tests/fuzz/message.c tests/fuzz/question.c
fuzz_transfer_LIBS := ldns
fuzz_transfer_USES := $(fuzz_PAIR)
fuzz_profile_USES := $(fuzz_BASE) $(addprefix dnsflip/io/aws_,document.c env.c plan.c plan_metadata.c profile.c profile_read.c xml.c)
fuzz_profile_LIBS := libcjson expat
fuzz_credentials_USES := $(fuzz_BASE) dnsflip/io/aws_document.c dnsflip/io/aws_xml.c
fuzz_credentials_LIBS := libcjson expat
