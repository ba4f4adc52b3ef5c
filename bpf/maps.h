/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Everything that the programs share with the daemon. */
#ifndef SMTPSCOPE_MAPS_H
#define SMTPSCOPE_MAPS_H

/* clang-format off */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "smtpscope/kernel_abi.h"

/* One bit a port, by its number as it is in the packet: in network byte order. Global data: a test is one load. */
const volatile __u64 mail_ports[65536 / 64];

/* The same by only the last six bits of the number: a constant to the verifier, so that most other ports are ruled out
 * without a load. */
const volatile __u64 mail_ports_hint;

/* The seed of smtpscope_flow_hash(); it lives as long as `flows`. */
struct smtpscope_hash_seed hash_seed;

/* How many rings there are. */
const volatile __u32 shards = 1;

/* A sleeping reader is woken when this many bytes wait for it; 0: by the first record. */
const volatile __u64 wake_watermark;

/* A reader sets its need_wake before it sleeps; the record that ends the sleep clears it. A wake-up costs more than a
 * copy, and a busy reader needs none. */
volatile struct smtpscope_reader readers[SMTPSCOPE_MAX_SHARDS];

/* The counters of an interface, and the bridge that it is a port of (0: none), by slot. */
volatile __u8 slots[SMTPSCOPE_INTERFACES];
volatile __u32 bridges[SMTPSCOPE_SLOTS];

/* 0 until `flows` gets its first entry: no look-up is needed before. 1 from then on. */
volatile __u32 flows_in_use;

/* Records for the daemon, a ring for each of its workers. Number and size are set before loading. */
struct ring {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4096);
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct ring);
} rings SEC(".maps");

/* How many sets `flows` has. */
const volatile __u32 flow_sets = 1;

/* Verdicts; only the daemon adds entries. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct smtpscope_flow_set);
} flows SEC(".maps");

/* What happened to each packet, by interface and cause. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, SMTPSCOPE_SLOTS);
    __type(key, __u32);
    __type(value, struct smtpscope_counters);
} counters SEC(".maps");

/* A piece of a large packet on its way into the ring. */
struct piece {
    struct smtpscope_record record;
    __u8 bytes[SMTPSCOPE_PIECE];
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct piece);
} pieces SEC(".maps");

/* The number of the CPU's last packet that went in pieces. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} packet_ids SEC(".maps");

#endif
