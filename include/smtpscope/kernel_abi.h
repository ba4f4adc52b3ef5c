/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The interface between the kernel programs and the daemon. Plain C for both sides; host byte order unless noted. */
#ifndef SMTPSCOPE_KERNEL_ABI_H
#define SMTPSCOPE_KERNEL_ABI_H

#include <linux/types.h>

/* The version of the layout of everything here. A process takes over the maps of another only if both have the same. */
#define SMTPSCOPE_ABI 4

/* What the kernel does with the packets of one direction of a flow. A flow without an entry in `flows` is copied. */
enum smtpscope_verdict {
    SMTPSCOPE_COPY,
    SMTPSCOPE_HEADERS_ONLY,         /* IP and TCP headers of every packet that would be copied */
    SMTPSCOPE_IGNORE,               /* nothing but the headers of FIN and RST */
    SMTPSCOPE_HEADERS_UNTIL_ANSWER, /* headers only, until the other end sends payload; then the kernel copies again */
};

enum smtpscope_direction {
    SMTPSCOPE_INGRESS,
    SMTPSCOPE_EGRESS,
};

/* Flags of a record. */
enum {
    SMTPSCOPE_MORE = 1, /* another piece of this packet follows, unless the ring was full */
};

/* A record of a ring: this header, then `captured` bytes of the packet from its IP header on (link headers are left
 * out), then room up to the size class. A packet larger than the largest class travels as several records with the
 * same packet_id; those of one CPU are in order and do not mix with another packet of that CPU. */
struct smtpscope_record {
    __u64 time_ns;   /* CLOCK_MONOTONIC */
    __u64 packet_id; /* CPU << 48 | a count; 0 if the packet is in one piece */
    __u64 cgroup_id; /* of the sending socket; 0 at ingress, if there is none, or if the record is large */
    __u32 uid;       /* of the sending socket; SMTPSCOPE_NO_UID in the same cases */
    __u32 ifindex;
    __u32 wire_length; /* of the whole IP packet */
    __u32 captured;    /* bytes in this record */
    __u32 offset;      /* of the first of them from the IP header */
    __u16 headers;     /* length of the IP and TCP headers; of an IP fragment: of its IP headers */
    __u8 direction;    /* enum smtpscope_direction */
    __u8 flags;
};

#define SMTPSCOPE_NO_UID ((__u32)-1)

/* Ring i belongs to reader i, and both directions of a flow go into one ring. IP fragments, of which only the first has
 * ports, all go into ring 0. */
#define SMTPSCOPE_MAX_SHARDS 64

/* Shared by the reader of a ring and the programs; a cache line each. */
struct smtpscope_reader {
    __u32 need_wake; /* the reader sleeps, or is about to */
    __u32 reserved[15];
};

/* Counters are kept for each interface: its index, modulo SMTPSCOPE_INTERFACES, leads to a slot of `counters`. Slot 0
 * is for interfaces without a slot of their own; the last slot, which no interface uses, has what was counted in slots
 * that were reassigned. */
enum {
    SMTPSCOPE_INTERFACES = 65536,
    SMTPSCOPE_SLOTS = 256,
    SMTPSCOPE_SLOT_OF_GONE = SMTPSCOPE_SLOTS - 1,
};

/* Size classes of a record's bytes. A reservation must be of constant size, and a few bytes of envelope should not take
 * the room of a full segment. Anything larger is cut into pieces of up to SMTPSCOPE_PIECE bytes: the largest multiple
 * of 128 that fits, with its header, into a per-CPU map value (32 KiB). */
enum {
    SMTPSCOPE_SMALL = 128,
    SMTPSCOPE_MEDIUM = 512,
    SMTPSCOPE_LARGE = 1600,
    SMTPSCOPE_PIECE = 32640,
    SMTPSCOPE_MAX_PIECES = 17, /* 554,880 bytes: more than any GSO packet (524,280) */
};

/* Both ends of a TCP connection, network byte order, IPv4 as ::ffff:a.b.c.d. */
struct smtpscope_ends {
    __u64 address[2][2];
    __u16 port[2];
    __u16 reserved[2];
};

/* Chooses a flow's ring and its place in `flows`: a hash of both ends, the same whichever is first. The seed keeps
 * others from choosing their hash; both words are odd. The multiplications come before and after a shift, because IPv4
 * addresses differ only in the upper half of a word. */
struct smtpscope_hash_seed {
    __u64 word[2];
};

static inline __u64 smtpscope_end_hash(const __u64 address[2], __u16 port, const struct smtpscope_hash_seed* seed) {
    __u64 h = (address[0] + port) * seed->word[0] + address[1];

    h = (h ^ (h >> 32)) * seed->word[1];
    return h ^ (h >> 32);
}

static inline __u64 smtpscope_flow_hash(const struct smtpscope_ends* e, const struct smtpscope_hash_seed* seed) {
    __u64 h = smtpscope_end_hash(e->address[0], e->port[0], seed) + smtpscope_end_hash(e->address[1], e->port[1], seed);

    return h * 0x9e3779b97f4a7c15ULL;
}

static inline __u32 smtpscope_shard(__u64 hash, __u32 shards) {
    return (__u32)(((hash >> 32) * shards) >> 32);
}

/* The state of one direction of a flow. The packets of one sender are handled one after the other (socket lock at
 * egress, one receive queue at ingress), so no atomics are needed. */
struct smtpscope_sender {
    __u64 delivered_packets;
    __u64 delivered_bytes; /* copied */
    __u64 ignored_packets;
    __u64 ignored_bytes; /* not copied; also of delivered packets */
    __u32 verdict;       /* enum smtpscope_verdict */
    __u32 noted;         /* the daemon's, for second-chance eviction: packets at its last look */
};

/* What is known of a flow. senders[0] belongs to the first of the ends, which user space sets to the originator. */
struct smtpscope_flow {
    struct smtpscope_ends ends;
    struct smtpscope_sender senders[2];
};

/* `flows` is a hash table of a size that is set before loading, and that the daemon fills through a mapping: a look-up
 * in a hash map of the kernel takes longer. The hash of a flow leads to a set, and is its key there. The entry has the
 * ends themselves, so that a collision is noticed: the later of two flows gets the entry, and the other one is
 * copied. */
enum {
    SMTPSCOPE_WAYS = 8,
};

struct smtpscope_flow_set {
    __u64 keys[SMTPSCOPE_WAYS]; /* 0: no flow. Written last and cleared first, so that no partial entry is seen */
    struct smtpscope_flow flows[SMTPSCOPE_WAYS];
};

static inline __u32 smtpscope_flow_set_of(__u64 hash, __u32 sets) {
    return (__u32)(((hash >> 32) * sets) >> 32);
}

/* What happened to a packet of our ports, or to an IP fragment of TCP that may belong to them. Every packet that is
 * SEEN is counted under exactly one of the other causes: seen = delivered + ignored + lost. Packets of other ports are
 * not seen.
 *
 * IGNORED_ACK: a segment without payload, SYN, FIN and RST is not copied. Half of all packets are of this kind, and
 * their information is repeated: every later segment of that side has the acknowledgement number, and in SMTP each side
 * speaks within one round trip. So user space only learns a little later that a hole will not be filled. */
#define SMTPSCOPE_CAUSES(X)                                                                                 \
    X(SEEN, seen)                                                                                           \
    X(DELIVERED, delivered)             /* whole, or cut by verdict, into the ring */                       \
    X(IGNORED_ACK, ignored_ack)         /* no payload and nothing of a connection's state */                \
    X(IGNORED_FLOW, ignored_flow)       /* by verdict */                                                    \
    X(LOST_RING_FULL, lost_ring_full)   /* a record could not be reserved; earlier pieces were delivered */ \
    X(LOST_UNREADABLE, lost_unreadable) /* headers cut off or inconsistent, or bytes that cannot be read */ \
    X(LOST_TOO_LONG, lost_too_long)     /* more than SMTPSCOPE_MAX_PIECES pieces */

enum smtpscope_cause {
#define SMTPSCOPE_CAUSE(upper, name) SMTPSCOPE_##upper,
    SMTPSCOPE_CAUSES(SMTPSCOPE_CAUSE)
#undef SMTPSCOPE_CAUSE
        SMTPSCOPE_CAUSE_COUNT
};

/* Value of the per-CPU `counters`, one for each slot. */
struct smtpscope_counters {
    __u64 packets[SMTPSCOPE_CAUSE_COUNT];
    __u64 bytes[SMTPSCOPE_CAUSE_COUNT]; /* of IP packets, as on the wire */
    __u64 wakeups;                      /* of readers */
};

#ifdef __cplusplus
static_assert(sizeof(smtpscope_record) == 48 && sizeof(smtpscope_ends) == 40 && sizeof(smtpscope_flow) == 120);
static_assert(sizeof(smtpscope_flow_set) == 1024);
static_assert(sizeof(smtpscope_record) + SMTPSCOPE_PIECE <= 32768);

namespace smtpscope {

enum class Verdict : __u32 {
    copy = SMTPSCOPE_COPY,
    headers_only = SMTPSCOPE_HEADERS_ONLY,
    ignore = SMTPSCOPE_IGNORE,
    headers_until_answer = SMTPSCOPE_HEADERS_UNTIL_ANSWER,
};

/// Names of the causes, by enum smtpscope_cause.
inline constexpr const char* cause_names[] = {
#define SMTPSCOPE_CAUSE(upper, name) #name,
    SMTPSCOPE_CAUSES(SMTPSCOPE_CAUSE)
#undef SMTPSCOPE_CAUSE
};

}  // namespace smtpscope
#endif

#endif
