plan_USES := $(filter-out tests/support/route53_site.c,$(route53_PURE)) dnsflip/providers/route53_read.c dnsflip/io/aws_xml.c
plan_LIBS := expat
