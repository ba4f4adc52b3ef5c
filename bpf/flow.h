/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What happens to a packet of our ports: how much of it the verdict on its flow leaves, and the counters. */
#ifndef SMTPSCOPE_FLOW_H
#define SMTPSCOPE_FLOW_H

#include "copy.h"

/* The last eight bytes of an IPv4 address as IPv6 (::ffff:a.b.c.d). */
static __always_inline __u64 mapped(__be32 address) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (__u64)address << 32 | bpf_htonl(0xffff);
#else
    return (__u64)bpf_htonl(0xffff) << 32 | address;
#endif
}

/* Both ports in one number, as they are in the packet. */
static __always_inline __u32 ports_of(const struct smtpscope_ends* e) {
    return *(const __u32*)e->port;
}

static __always_inline void read_ends(const struct packet* p, struct smtpscope_ends* e) {
    *(__u32*)e->port = *(const __u32*)p->tcp;
    if (p->version == 4) {
        const struct iphdr* ip = p->ip;

        e->address[0][0] = e->address[1][0] = 0;
        e->address[0][1] = mapped(ip->saddr);
        e->address[1][1] = mapped(ip->daddr);
    } else {
        const __u64* ip = (const __u64*)((const struct ipv6hdr*)p->ip)->saddr.s6_addr;

        e->address[0][0] = ip[0];
        e->address[0][1] = ip[1];
        e->address[1][0] = ip[2];
        e->address[1][1] = ip[3];
    }
}

/* Whether the addresses are the same when ends `first` and `second` of `e` are compared with ends 0 and 1 of the
 * flow. */
static __always_inline int same_addresses(const struct smtpscope_flow* flow, const struct smtpscope_ends* e,
                                          const int first, const int second) {
    const struct smtpscope_ends* known = &flow->ends;

    return known->address[0][1] == e->address[first][1] && known->address[1][1] == e->address[second][1] &&
           known->address[0][0] == e->address[first][0] && known->address[1][0] == e->address[second][0];
}

static __always_inline int is_from_first(const struct smtpscope_flow* flow, const struct smtpscope_ends* e) {
    return ports_of(&flow->ends) == ports_of(e) && same_addresses(flow, e, 0, 1);
}

static __always_inline int is_from_second(const struct smtpscope_flow* flow, const struct smtpscope_ends* e) {
    __u32 ports = ports_of(e);

    return ports_of(&flow->ends) == (ports << 16 | ports >> 16) && same_addresses(flow, e, 1, 0);
}

/* The entry of the set that has the key. `one` is 1, but the verifier does not know that, so it sees the offset as a
 * range. If it knew the entry, it would walk the code that follows once for each entry. */
static __always_inline struct smtpscope_flow* find_key(struct smtpscope_flow_set* set, __u64 key, __u32 one) {
    __u64 offset = sizeof(set->flows);

#pragma unroll
    for (int i = 0; i < SMTPSCOPE_WAYS; ++i)
        if (set->keys[i] == key) {
            offset = i * sizeof(*set->flows) + (one - 1);
            break;
        }
    UNKNOWN(offset);
    if (offset > sizeof(set->flows) - sizeof(*set->flows)) return 0;
    return (void*)set->flows + offset;
}

static __always_inline struct smtpscope_flow* find_hash(__u64 hash, __u32 in_use) {
    __u32 number = smtpscope_flow_set_of(hash, flow_sets);
    struct smtpscope_flow_set* set = bpf_map_lookup_elem(&flows, &number);

    return set ? find_key(set, hash, in_use) : 0;
}

/* The entry of the packet's flow, and the index in `senders` of the end that sent it. */
static __always_inline struct smtpscope_flow* find_flow(const struct smtpscope_ends* e, __u64 hash, __u32 in_use,
                                                        __u64* sender) {
    struct smtpscope_flow* flow = find_hash(hash, in_use);

    *sender = 0;
    if (!flow || __builtin_expect(is_from_first(flow, e), 1)) return flow;
    *sender = sizeof(*flow->senders);
    return is_from_second(flow, e) ? flow : 0;
}

/* Never 0, but the verifier has to see that. */
static __always_inline struct smtpscope_sender* sender_at(struct smtpscope_flow* flow, __u64 offset) {
    UNKNOWN(offset);
    return offset <= sizeof(*flow->senders) ? (void*)flow->senders + offset : 0;
}

static __always_inline int tells_state(const struct packet* p) {
    return p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST);
}

/* How many bytes of a packet that is not ignored the verdict leaves. */
static __always_inline __u32 allowed(struct smtpscope_sender* sender, struct smtpscope_sender* other,
                                     const struct packet* p) {
    /* A new connection between the same ports starts without a verdict. */
    if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        sender->verdict = SMTPSCOPE_COPY;
        other->verdict = SMTPSCOPE_COPY;
    }
    /* An answer: the content before it has been sent, and what comes next is wanted again. */
    if (other->verdict == SMTPSCOPE_HEADERS_UNTIL_ANSWER && p->length > p->headers) other->verdict = SMTPSCOPE_COPY;
    return sender->verdict == SMTPSCOPE_COPY ? p->length : p->headers;
}

static __always_inline enum smtpscope_cause deliver_by_verdict(struct frame* f, const struct packet* p,
                                                               struct smtpscope_flow* flow, __u64 offset) {
    struct smtpscope_sender *sender = sender_at(flow, offset), *other;
    enum smtpscope_cause cause;

    if (!sender) return copy_packet(f, p);
    /* The end of a flow is always reported, so that no state is left behind. */
    if (__builtin_expect(sender->verdict == SMTPSCOPE_IGNORE && !tells_state(p), 1)) {
        sender->ignored_packets++;
        sender->ignored_bytes += p->length;
        return SMTPSCOPE_IGNORED_FLOW;
    }
    other = sender_at(flow, sizeof(*sender) - offset);
    if (!other) return copy_packet(f, p);
    f->captured = allowed(sender, other, p);
    cause = copy_packet(f, p);
    if (cause != SMTPSCOPE_DELIVERED) return cause;
    sender->delivered_packets++;
    sender->delivered_bytes += f->captured;
    sender->ignored_bytes += p->length - f->captured;
    return cause;
}

static __always_inline enum smtpscope_cause deliver(struct frame* f, const struct packet* p) {
    struct smtpscope_flow* flow = 0;
    __u32 in_use = flows_in_use;
    __u64 sender;

    if (p->length == p->headers && !tells_state(p)) return SMTPSCOPE_IGNORED_ACK;
    f->captured = p->length;
    if (in_use || shards > 1) {
        struct smtpscope_ends e;

        read_ends(p, &e);
        f->hash = smtpscope_flow_hash(&e, &hash_seed);
        if (in_use) flow = find_flow(&e, f->hash, in_use, &sender);
    }
    if (__builtin_expect(!flow, 0)) return copy_packet(f, p);
    return deliver_by_verdict(f, p, flow, sender);
}

/* A fragment goes to user space as it is. */
static __always_inline enum smtpscope_cause deliver_fragment(struct frame* f, struct packet* p, __u32 present) {
    p->headers = (__u32)(p->tcp - p->ip);
    if (p->headers > p->length || p->length > present) return SMTPSCOPE_LOST_UNREADABLE;
    f->captured = p->length;
    return copy_packet(f, p);
}

static __always_inline void account(const struct frame* f, __u32 length, __u32 cause) {
    struct smtpscope_counters* c = counters_of(f);

    UNKNOWN(cause);
    if (!c || cause >= SMTPSCOPE_CAUSE_COUNT) return;
    c->packets[SMTPSCOPE_SEEN]++;
    c->bytes[SMTPSCOPE_SEEN] += length;
    c->packets[cause]++;
    c->bytes[cause] += length;
}

/* Passes on a packet that is ours, and counts it. `present`: bytes of the frame from the IP header on. */
static __always_inline void watch(struct frame* f, struct cursor* cursor, struct packet* p, __u32 present) {
    __u32 cause;

    if (__builtin_expect(p->fragment, 0))
        cause = deliver_fragment(f, p, present);
    else if (!read_headers(cursor, p, present))
        cause = SMTPSCOPE_LOST_UNREADABLE;
    else
        cause = deliver(f, p);
    account(f, p->length, cause);
}

#endif
