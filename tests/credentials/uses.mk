# The credential chain, and what it stands on.
CREDENTIALS := $(addprefix dnsflip/io/aws_,credentials.c document.c env.c fetch.c fetch_web.c plan.c plan_metadata.c profile.c profile_read.c refresh.c sts.c xml.c) $(addprefix dnsflip/io/,curl_loop.c exec.c loop.c sigv4.c web.c web_easy.c web_request.c) $(addprefix dnsflip/base/,buf.c err.c fsio.c mem.c mono.c secret.c str.c wall.c)
CREDENTIALS_LIBS := libcurl libevent_core libcjson expat libcrypto
tell_USES := $(CREDENTIALS)
tell_LIBS := $(CREDENTIALS_LIBS)
