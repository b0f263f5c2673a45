/* dnsflip/lab/lab.h -- `dnsflip lab`: two small Airflow-shaped clusters on loopback, one daemon
 * that watches them, and the verbs that break and heal a cluster. */
#ifndef DNSFLIP_LAB_LAB_H
#define DNSFLIP_LAB_LAB_H

/* argv[0] is "lab", the rest its own arguments.  The exit code of the program: 0 done, 1 error,
 * 64 usage. */
int lab_main(int argc, char **argv);

#endif
