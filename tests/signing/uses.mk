sign_LIBS := libcrypto
sign_USES := dnsflip/io/sigv4.c dnsflip/base/buf.c dnsflip/base/err.c dnsflip/base/fsio.c dnsflip/base/mem.c dnsflip/base/mono.c dnsflip/base/secret.c dnsflip/base/str.c dnsflip/base/wall.c
