//! Clusters: the rows of their commands. This server is no node of any, so all of them refuse.

use crate::command::server::cluster::refuse;
use crate::command::table::prelude::*;

pub static ROWS: &[Spec] = &[
    row("asking", 1, refuse)
        .flags(FAST)
        .acl(acl::CONNECTION)
        .since("3.0.0")
        .complexity("O(1)")
        .summary("Lets the next command use a slot that is being imported.")
        .group(Group::Cluster),
    container("cluster", -2)
        .since("3.0.0")
        .summary("Looks at a cluster and manages it.")
        .group(Group::Cluster)
        .subcommands(&[
            row("addslots", -3, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Makes the node serve some slots.")
                .syntax("slot:integer..."),
            row("addslotsrange", -4, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Makes the node serve ranges of slots.")
                .syntax("range:{start-slot:integer end-slot:integer}..."),
            row("bumpepoch", 2, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .tips(&["nondeterministic_output"])
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Advances the epoch."),
            row("count-failure-reports", 3, refuse)
                .flags(ADMIN | STALE)
                .tips(&["nondeterministic_output"])
                .since("3.0.0")
                .complexity("O(1)")
                .summary("How many nodes report that a node fails.")
                .syntax("node-id"),
            row("countkeysinslot", 3, refuse)
                .flags(STALE)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("How many keys a slot holds.")
                .syntax("slot:integer"),
            row("delslots", -3, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Makes the node no longer serve some slots.")
                .syntax("slot:integer..."),
            row("delslotsrange", -4, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("7.0.0")
                .complexity("O(1)")
                .summary("Makes the node no longer serve ranges of slots.")
                .syntax("range:{start-slot:integer end-slot:integer}..."),
            row("failover", -2, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Makes a replica take over.")
                .syntax("[options:<FORCE | TAKEOVER>]"),
            row("flushslots", 2, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Makes the node serve no slot."),
            row("forget", 3, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Makes the node forget another.")
                .syntax("node-id"),
            row("getkeysinslot", 4, refuse)
                .flags(STALE)
                .tips(&["nondeterministic_output"])
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Some keys of a slot.")
                .syntax("slot:integer count:integer"),
            row("help", 2, help::run)
                .flags(LOADING | STALE)
                .since("5.0.0")
                .complexity("O(1)")
                .summary("Lists the subcommands."),
            row("info", 2, refuse)
                .flags(STALE)
                .tips(&["nondeterministic_output"])
                .since("3.0.0")
                .complexity("O(1)")
                .summary("The state of the cluster, in figures."),
            row("keyslot", 3, refuse)
                .flags(STALE)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("The slot of a key.")
                .syntax("key:string"),
            row("links", 2, refuse)
                .flags(STALE)
                .tips(&["nondeterministic_output"])
                .since("7.0.0")
                .complexity("O(1)")
                .summary("The links to other nodes."),
            row("meet", -4, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .history(&[("4.0.0", "The port of the cluster bus.")])
                .complexity("O(1)")
                .summary("Introduces another node.")
                .syntax("ip port:integer [cluster-bus-port:integer@4.0.0]"),
            row("myid", 2, refuse)
                .flags(STALE)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("The id of the node."),
            row("myshardid", 2, refuse)
                .flags(STALE)
                .tips(&["nondeterministic_output"])
                .since("7.2.0")
                .complexity("O(1)")
                .summary("The id of the node's shard."),
            row("nodes", 2, refuse)
                .flags(STALE)
                .tips(&["nondeterministic_output"])
                .since("3.0.0")
                .complexity("O(1)")
                .summary("The nodes as this one knows them."),
            row("replicas", 3, refuse)
                .flags(ADMIN | STALE)
                .tips(&["nondeterministic_output"])
                .since("5.0.0")
                .complexity("O(1)")
                .summary("The replicas of a node.")
                .syntax("node-id"),
            row("replicate", 3, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Makes the node a replica of another.")
                .syntax("node-id"),
            row("reset", -2, refuse)
                .flags(ADMIN | NOSCRIPT | STALE)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Makes the node forget the cluster.")
                .syntax("[reset-type:<HARD | SOFT>]"),
            row("saveconfig", 2, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Saves the node's view of the cluster."),
            row("set-config-epoch", 3, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Sets the epoch of a new node.")
                .syntax("config-epoch:integer"),
            row("setslot", -4, refuse)
                .flags(ADMIN | STALE | NO_ASYNC_LOADING)
                .since("3.0.0")
                .complexity("O(1)")
                .summary("Assigns a slot, or marks that it moves.")
                .syntax(
                    "slot:integer subcommand:<IMPORTING importing(node-id) \
                     | MIGRATING migrating(node-id) | NODE node(node-id) | STABLE>",
                ),
            row("shards", 2, refuse)
                .flags(LOADING | STALE)
                .tips(&["nondeterministic_output"])
                .since("7.0.0")
                .complexity("O(1)")
                .summary("The shards and their slots."),
            row("slaves", 3, refuse)
                .flags(ADMIN | STALE)
                .tips(&["nondeterministic_output"])
                .since("3.0.0")
                .complexity("O(1)")
                .summary("The replicas of a node.")
                .deprecated("5.0.0", "`CLUSTER REPLICAS`")
                .syntax("node-id"),
            row("slot-stats", -4, refuse)
                .flags(LOADING | STALE)
                .tips(&["nondeterministic_output", "request_policy:all_shards"])
                .since("8.2.0")
                .complexity("O(1)")
                .summary("Figures by slot.")
                .syntax(
                    "filter:<SLOTSRANGE slotsrange:{start-slot:integer end-slot:integer} \
                     | ORDERBY orderby:{metric [LIMIT limit:integer] [order:<ASC | DESC>]}>",
                ),
            row("slots", 2, refuse)
                .flags(LOADING | STALE)
                .tips(&["nondeterministic_output"])
                .since("3.0.0")
                .history(&[
                    ("4.0.0", "Node ids."),
                    ("7.0.0", "Network metadata of each node."),
                ])
                .complexity("O(1)")
                .summary("The slots and who serves them.")
                .deprecated("7.0.0", "`CLUSTER SHARDS`"),
        ]),
    row("readonly", 1, refuse)
        .flags(LOADING | STALE | FAST)
        .acl(acl::CONNECTION)
        .since("3.0.0")
        .complexity("O(1)")
        .summary("Lets the connection read from a replica.")
        .group(Group::Cluster),
    row("readwrite", 1, refuse)
        .flags(LOADING | STALE | FAST)
        .acl(acl::CONNECTION)
        .since("3.0.0")
        .complexity("O(1)")
        .summary("Ends READONLY.")
        .group(Group::Cluster),
];
