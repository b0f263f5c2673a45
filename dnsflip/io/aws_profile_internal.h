/* dnsflip/io/aws_profile_internal.h -- what the sources of io/aws_profile share; nobody else
 * includes it. */
#ifndef DNSFLIP_IO_AWS_PROFILE_INTERNAL_H
#define DNSFLIP_IO_AWS_PROFILE_INTERNAL_H

#include "dnsflip/io/aws_profile.h"

struct aws_option {
    char *key, *value; /* owned */
};

struct aws_section {
    char *name; /* owned */
    struct aws_option *options;
    size_t n_options, cap_options;
};

struct aws_ini {
    struct aws_section defaults;
    struct aws_section *sections; /* in their order */
    size_t n_sections, cap_sections;
};

#endif
