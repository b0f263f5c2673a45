power_LIBS := libcjson openssl libevent_core
power_USES := $(sort $(wildcard dnsflip/engine/journal*.c dnsflip/engine/ledger*.c dnsflip/base/*.c dnsflip/model/*.c) dnsflip/io/loop.c dnsflip/kept_view.c)
