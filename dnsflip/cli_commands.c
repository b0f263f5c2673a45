#include "dnsflip/check.h"
#include "dnsflip/cli.h"

#define EXIT(code) (UINT32_C(1) << (code))
#define MOVE_EXITS (EXIT(CLI_REFUSED) | EXIT(CLI_PARTIAL) | EXIT(CLI_UNKNOWN) | EXIT(CLI_CONFLICT))
#define ACT_OPTIONS (CLI_BIT(CLI_REASON) | CLI_BIT(CLI_REQUEST_ID))
#define MOVE_OPTIONS                                                                               \
    (ACT_OPTIONS | CLI_BIT(CLI_OVERRIDE) | CLI_BIT(CLI_PROMOTED) | CLI_BIT(CLI_WAIT) |             \
     CLI_BIT(CLI_TIMEOUT))

static const char look[] = "Look (nothing is changed)";
static const char act[] = "Act (needs the role operate)";
static const char other[] = "Other";
static const char admin[] = "Administer (needs the role admin)";

const struct cli_option_spec cli_options[CLI_OPTIONS] = {
    [CLI_CONFIG] = { "config", 'c', "FILE", CLI_FILE, NULL,
                     "configuration (" CLI_CONFIG_DEFAULT ")" },
    [CLI_SOCKET] = { "socket", 's', "PATH", CLI_FILE, NULL,
                     "control socket (node.control_socket of the configuration, "
                     "else " CLI_SOCKET_DEFAULT ")" },
    [CLI_JSON] = { "json", 0, NULL, CLI_ANYTHING, NULL, "machine-readable output" },
    [CLI_HELP] = { "help", 'h', NULL, CLI_ANYTHING, NULL, "this text" },
    [CLI_TO] = { "to", 0, "CLUSTER", CLI_A_CLUSTER, NULL,
                 "destination; without it the policy chooses" },
    [CLI_REASON] = { "reason", 0, "TEXT", CLI_ANYTHING, NULL,
                     "why, for the journal and for everybody who looks" },
    [CLI_OVERRIDE] = { "override", 0, "RULE", CLI_A_RULE, NULL,
                       "lift this guard, named in the refusal (also: promotion, durability, "
                       "foreign-owner); "
                       "repeatable, needs --reason and the role admin" },
    [CLI_PROMOTED] = { "promoted", 0, NULL, CLI_ANYTHING, NULL,
                       "the data is promoted already: skip the hooks, still ask for the proof" },
    [CLI_PLANNED] = { "planned", 0, NULL, CLI_ANYTHING, NULL,
                      "switch (both sides healthy) instead of failover" },
    [CLI_REQUEST_ID] = { "request-id", 0, "ID", CLI_ANYTHING, NULL,
                         "asking again with the same ID does nothing twice" },
    [CLI_WAIT] = { "wait", 0, "LEVEL", CLI_WORDS, "accepted settled converged",
                   "return when it is accepted, settled (the default) or converged" },
    [CLI_TIMEOUT] = { "timeout", 0, "DURATION", CLI_ANYTHING, NULL,
                      "stop waiting after this long (the operation goes on)" },
    [CLI_FOR] = { "for", 0, "DURATION", CLI_ANYTHING, NULL, "ends by itself after this long" },
    [CLI_GROUP] = { "group", 0, "GROUP", CLI_A_GROUP, NULL, "only this group" },
    [CLI_ACTIVE] = { "active", 0, "CLUSTER", CLI_A_CLUSTER, NULL, "the cluster that is active" },
    [CLI_ACCEPT] = { "accept", 0, "DIGEST", CLI_ANYTHING, NULL,
                     "names may move, if the difference is still the one of this digest" },
    [CLI_VERB] = { "verb", 0, "VERB", CLI_WORDS, "switch failover failback",
                   "ask the guards of this verb (switch)" },
    [CLI_DETAILED] = { "detailed-exitcode", 0, NULL, CLI_ANYTHING, NULL,
                       "exit 2 if there are changes" },
    [CLI_FOLLOW] = { "follow", 'f', NULL, CLI_ANYTHING, NULL,
                     "then print what happens, as it does" },
    [CLI_LIMIT] = { "limit", 'n', "N", CLI_ANYTHING, NULL, "at most this many" },
    [CLI_ONCE] = { "once", 0, NULL, CLI_ANYTHING, NULL,
                   "print once, tell the result by exit code" },
    [CLI_NAGIOS] = { "nagios", 0, NULL, CLI_ANYTHING, NULL,
                     "with --once: one line and exit codes 0 to 3, as Nagios wants them" },
    [CLI_PRINT] = { "print", 0, NULL, CLI_ANYTHING, NULL,
                    "print the effective configuration, every default spelled out" },
    [CLI_SCHEMA] = { "schema", 0, NULL, CLI_ANYTHING, NULL,
                     "print the JSON Schema of the file, for editors; reads no configuration" },
    [CLI_SINGLE_USER] = { "single-user", 0, NULL, CLI_ANYTHING, NULL,
                          "keep one uid for all processes, as root too (lab, container)" },
    [CLI_LOG_LEVEL] = { "log-level", 0, "LEVEL", CLI_WORDS, "debug info warn error",
                        "least level that is logged (info)" },
    [CLI_ADDRESS] = { "address", 0, "ADDRESS", CLI_ANYTHING, NULL,
                      "where health checkers reach the beacon; its first public listen address "
                      "by default" },
    [CLI_TERRAFORM] = { "terraform", 0, NULL, CLI_ANYTHING, NULL,
                        "Terraform instead of a shell script" },
};

const struct cli_command cli_commands[] = {
    { "check", "", 0, 0, CLI_ANYTHING, CLI_BIT(CLI_PRINT) | CLI_BIT(CLI_SCHEMA), 0, look,
      "read the configuration and everything it names; tell all that is wrong or risky",
      "Prints every mistake with its place, every warning, how long each group takes to notice a "
      "loss, and where traffic goes if dnsflip is dead. Exit 0: it loads.",
      check_run },
    { "status", "[GROUP]", 0, 1, CLI_A_GROUP, 0, 0, look,
      "who is active, who is up, what moves, what is held",
      "Asks the daemon. With GROUP: that group alone, in detail.", cli_status },
    { "explain", "GROUP", 1, 1, CLI_A_GROUP, 0, 0, look,
      "why the group stays or moves, reason by reason",
      "Numbered reasons of the present decision, a stay as much as a move.", cli_explain },
    { "plan", "GROUP", 1, 1, CLI_A_GROUP,
      CLI_BIT(CLI_TO) | CLI_BIT(CLI_VERB) | CLI_BIT(CLI_OVERRIDE) | CLI_BIT(CLI_ACTIVE) |
          CLI_BIT(CLI_DETAILED),
      EXIT(CLI_CHANGES), look, "what a move would change: names, steps, inverse, guards",
      "Writes nothing. Beside a daemon it is asked, guards and all; without one the "
      "configuration and the journal are read (or --active says who is active), and the guards, "
      "which need health, are left out.",
      cli_plan },
    { "beacon-setup", "GROUP", 1, 1, CLI_A_GROUP, CLI_BIT(CLI_ADDRESS) | CLI_BIT(CLI_TERRAFORM), 0,
      look, "what a group with a beacon needs in Route 53, as a script or as Terraform",
      "Prints a shell script of aws commands: the health check, then the failover records of every "
      "name, to be made once, in peace time. Nothing is run and nobody is asked.",
      cli_beacon_setup },
    { "beacon-check", "GROUP", 1, 1, CLI_A_GROUP, 0, EXIT(CLI_CONFLICT), look,
      "whether the records and health checks in Route 53 fit a group's beacon",
      "Reads the zones of the provider that records of the beacon names, and the health checks of "
      "the group's records; changes nothing. Exit 6 if something does not fit, each thing told.",
      cli_beacon_check },
    { "events", "", 0, 0, CLI_ANYTHING,
      CLI_BIT(CLI_FOLLOW) | CLI_BIT(CLI_LIMIT) | CLI_BIT(CLI_GROUP), 0, look,
      "what happened since the daemon started; --follow goes on",
      "Verdicts, decisions, operations and operators' acts. What is older: dnsflip audit show.",
      cli_events },
    { "audit verify", "", 0, 0, CLI_ANYTHING, 0, 0, look,
      "check the journal's chain from its first line to its last",
      "Needs no daemon and takes no lock. A torn last line, as a crash leaves it, is reported and "
      "is no mistake.",
      cli_audit_verify },
    { "audit show", "", 0, 0, CLI_ANYTHING, CLI_BIT(CLI_LIMIT) | CLI_BIT(CLI_GROUP), 0, look,
      "print the journal", "Needs no daemon and takes no lock. --limit N: the newest N entries.",
      cli_audit_show },
    { "monitor", "[GROUP]", 0, 1, CLI_A_GROUP,
      CLI_BIT(CLI_ONCE) | CLI_BIT(CLI_NAGIOS) | CLI_BIT(CLI_ACTIVE) | CLI_BIT(CLI_TIMEOUT),
      EXIT(CLI_CHANGES) | EXIT(CLI_UNKNOWN), look,
      "watch both clusters and say what would be done; nothing is ever written",
      "Beside a daemon it is asked. Alone, the probes run here: the active clusters come from the "
      "journal, read without a lock, or from --active. --once waits for the first rounds "
      "(--timeout), prints, and exits 0, 2 (something is down) or 5 (not known).",
      cli_monitor },
    { "operation list", "[GROUP]", 0, 1, CLI_A_GROUP, CLI_BIT(CLI_LIMIT), 0, look,
      "operations, running ones first", "The newest 20 unless --limit says otherwise.",
      cli_operation_list },
    { "operation show", "OPERATION", 1, 1, CLI_AN_OPERATION, 0, 0, look, "one operation in full",
      "State, times, counts, who and why.", cli_operation_show },
    { "operation wait", "OPERATION", 1, 1, CLI_AN_OPERATION,
      CLI_BIT(CLI_WAIT) | CLI_BIT(CLI_TIMEOUT), MOVE_EXITS, look, "wait for an operation",
      "Exits as the verb that started it would have.", cli_operation_wait },
    { "iam-policy", "", 0, 0, CLI_ANYTHING, CLI_BIT(CLI_GROUP), 0, look,
      "print the IAM policy that moving the configured names takes",
      "Reads the configuration alone and asks nobody. The policy lets dnsflip read the hosted "
      "zones, follow its changes, and delete and create records of the types its targets have, "
      "under its names and no others; of providers of kind arc, read and turn their routing "
      "controls. Where the names make it longer than a managed policy may be "
      "(6,144 characters) they are left out, and stderr says so; --group GROUP is for that group.",
      cli_iam_policy },
    { "version", "", 0, 0, CLI_ANYTHING, 0, 0, look, "versions of program, protocol and daemon",
      "The daemon's part is left out when none answers.", cli_version },

    { "switch", "GROUP --to CLUSTER", 1, 1, CLI_A_GROUP, MOVE_OPTIONS | CLI_BIT(CLI_TO), MOVE_EXITS,
      act, "planned move, both sides healthy",
      "Promotes (the hook, then the proof), changes the records, proves it. Safe to repeat with "
      "--request-id.",
      cli_act },
    { "failover", "GROUP --reason TEXT", 1, 1, CLI_A_GROUP, MOVE_OPTIONS | CLI_BIT(CLI_TO),
      MOVE_EXITS, act, "forced move away from the active cluster",
      "The cluster that is left stays fenced: it is no destination until `dnsflip rejoin`.",
      cli_act },
    { "failback", "GROUP", 1, 1, CLI_A_GROUP, MOVE_OPTIONS, MOVE_EXITS, act,
      "planned move to the group's first cluster", "The first cluster must not be fenced.",
      cli_act },
    { "evacuate", "CLUSTER", 1, 1, CLI_A_CLUSTER,
      MOVE_OPTIONS | CLI_BIT(CLI_TO) | CLI_BIT(CLI_PLANNED), MOVE_EXITS, act,
      "failover of every group that is active there",
      "Each group is one operation; the exit code is 0 if all went, 4 if some did. With "
      "--request-id ID each group's own is ID/GROUP.",
      cli_act },
    { "hold", "GROUP --reason TEXT", 1, 1, CLI_A_GROUP, ACT_OPTIONS | CLI_BIT(CLI_FOR),
      EXIT(CLI_REFUSED), act, "freeze a group: no move by anybody",
      "Until `dnsflip release` or until --for has passed.", cli_act },
    { "release", "GROUP", 1, 1, CLI_A_GROUP, ACT_OPTIONS, EXIT(CLI_REFUSED), act, "end a hold", "",
      cli_act },
    { "ack", "[GROUP]", 0, 1, CLI_A_GROUP, ACT_OPTIONS, EXIT(CLI_REFUSED), act,
      "lift the brake; with GROUP, its block after a flip",
      "Automatic moves may then go on; operators' verbs were never bound.", cli_act },
    { "operation cancel", "OPERATION", 1, 1, CLI_AN_OPERATION, ACT_OPTIONS, EXIT(CLI_REFUSED), act,
      "stop an operation before it has changed anything", "", cli_act },
    { "operation resume", "OPERATION", 1, 1, CLI_AN_OPERATION, ACT_OPTIONS, EXIT(CLI_REFUSED), act,
      "try a partial operation again, now", "", cli_act },

    { "init", "--active CLUSTER", 0, 0, CLI_ANYTHING, CLI_BIT(CLI_ACTIVE) | CLI_BIT(CLI_GROUP),
      EXIT(CLI_CONFLICT), admin, "begin the journal: say which cluster is active",
      "Answers the question that run asks when there is no journal: was this node ever failed "
      "over? --active is taken for every group; --group GROUP=CLUSTER (repeatable) says otherwise "
      "for one. Each configured secondary is asked for its serial, so that epochs go on from "
      "there. Refuses if a journal exists, or if the clock is older than the program.",
      cli_init },
    { "run", "", 0, 0, CLI_ANYTHING,
      CLI_BIT(CLI_SINGLE_USER) | CLI_BIT(CLI_LOG_LEVEL) | CLI_BIT(CLI_ACCEPT), 0, admin,
      "the daemon",
      "Runs in the foreground and logs to standard error. SIGHUP reloads the configuration, "
      "SIGUSR2 upgrades to the installed program, SIGTERM and SIGINT stop it. A start moves no "
      "name: if the file was changed so that one "
      "would, they answer as before until dnsflip reload --accept. --accept DIGEST is for a start "
      "that cannot know (state_dir/view is gone or damaged) and has printed that digest: the file "
      "is then taken as it is.",
      cli_run },
    { "reload", "", 0, 0, CLI_ANYTHING,
      ACT_OPTIONS | CLI_BIT(CLI_ACCEPT) | CLI_BIT(CLI_GROUP) | CLI_BIT(CLI_OVERRIDE) |
          CLI_BIT(CLI_WAIT) | CLI_BIT(CLI_TIMEOUT),
      MOVE_EXITS, admin, "read the configuration again",
      "A bad file changes nothing. One that would move a name is refused with the difference and "
      "its DIGEST; --accept DIGEST makes just that move, one operation for each group, and is "
      "refused with exit 6 if the difference is another by now. --group GROUP=CLUSTER (repeatable) "
      "adopts a group that the journal does not know yet: its names are served at once.",
      cli_reload },
    { "upgrade", "", 0, 0, CLI_ANYTHING, CLI_BIT(CLI_TIMEOUT), 0, admin,
      "let the installed program take over from the one that runs",
      "Install the new version first, both programs, in the place of the old one. It is asked "
      "which "
      "formats it knows and whether it could start here; if not, or while an operation runs, the "
      "upgrade is refused and nothing has changed. No query is lost, and the process id stays. "
      "Waits until the new version decides, at most for --timeout (1m).",
      cli_upgrade },
    { "adopt", "GROUP --active CLUSTER", 1, 1, CLI_A_GROUP, ACT_OPTIONS | CLI_BIT(CLI_ACTIVE),
      EXIT(CLI_REFUSED), admin, "say which cluster is active for a group",
      "For a group the journal "
      "does not know yet, or whose live records say otherwise (diverged).",
      cli_act },
    { "rejoin", "CLUSTER", 1, 1, CLI_A_CLUSTER, ACT_OPTIONS | CLI_BIT(CLI_GROUP), EXIT(CLI_REFUSED),
      admin, "a fenced cluster may be a destination again",
      "Of every group, or with --group of one.", cli_act },
    { "pause", "--reason TEXT", 0, 0, CLI_ANYTHING, ACT_OPTIONS | CLI_BIT(CLI_FOR),
      EXIT(CLI_REFUSED), admin, "no automatic move anywhere",
      "Operators' verbs go on working. Until "
      "`dnsflip resume` or until --for has passed.",
      cli_act },
    { "resume", "", 0, 0, CLI_ANYTHING, ACT_OPTIONS, EXIT(CLI_REFUSED), admin, "end a pause", "",
      cli_act },

    { "lab", "[WORD [CLUSTER]]", 0, 2, CLI_ANYTHING, 0, 0, other,
      "two small clusters on loopback to try it on, and words that break them",
      "It has words and options of its own: dnsflip lab --help.", cli_lab },
    { "completion bash", "", 0, 0, CLI_ANYTHING, 0, 0, other, "completion for bash",
      "Source it, or install it as bash-completion/completions/dnsflip.", cli_completion },
    { "completion zsh", "", 0, 0, CLI_ANYTHING, 0, 0, other, "completion for zsh",
      "Install it as site-functions/_dnsflip.", cli_completion },
    { "help", "[COMMAND]", 0, 2, CLI_ANYTHING, 0, 0, other, "this list, or a command's own text",
      "", cli_help },
    { NULL, NULL, 0, 0, CLI_ANYTHING, 0, 0, NULL, NULL, NULL, NULL },
};
