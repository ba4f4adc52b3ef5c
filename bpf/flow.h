/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The fate of a packet of our ports: what the verdict on its flow leaves of it, and the accounts. */
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

static __always_inline void read_ends(const struct packet* p, struct smtpscope_ends* e) {
    e->port[0] = ((struct tcphdr*)p->tcp)->source;
    e->port[1] = ((struct tcphdr*)p->tcp)->dest;
    e->reserved[0] = e->reserved[1] = 0;
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

static __always_inline int is_end(const struct smtpscope_flow* flow, int end, const struct smtpscope_ends* e,
                                  int other) {
    return flow->ends.port[end] == e->port[other] && flow->ends.address[end][1] == e->address[other][1] &&
           flow->ends.address[end][0] == e->address[other][0];
}

/* The entry of the set that has the key. `one` is 1, which the verifier does not know, so that the offset is a range to
 * it: knowing which entry it was, it would walk what comes after once for each. */
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

/* The entry of the packet's flow, and which of its ends sent the packet. */
static __always_inline struct smtpscope_flow* find_flow(const struct smtpscope_ends* e, __u64 hash, __u32 in_use,
                                                        __u32* sender) {
    __u32 number = smtpscope_flow_set_of(hash, flow_sets);
    struct smtpscope_flow_set* set = bpf_map_lookup_elem(&flows, &number);
    struct smtpscope_flow* flow = set ? find_key(set, hash, in_use) : 0;

    if (!flow) return 0;
    flow->used = 1;
    if (is_end(flow, 0, e, 0) && is_end(flow, 1, e, 1)) return flow;
    *sender = 1;
    return is_end(flow, 0, e, 1) && is_end(flow, 1, e, 0) ? flow : 0;
}

/* How many bytes of the packet the verdict leaves; 0: none. */
static __always_inline __u32 allowed(struct smtpscope_flow* flow, const struct packet* p, __u32 sender) {
    __u32 verdict;

    /* A new connection between the same ports is a new matter. */
    if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) {
        flow->verdict[0] = SMTPSCOPE_COPY;
        flow->verdict[1] = SMTPSCOPE_COPY;
    }
    /* An answer: what it answers was sent before, and what comes next is news. */
    if (flow->verdict[sender ^ 1] == SMTPSCOPE_HEADERS_UNTIL_ANSWER && p->length > p->headers)
        flow->verdict[sender ^ 1] = SMTPSCOPE_COPY;
    verdict = flow->verdict[sender];
    if (verdict == SMTPSCOPE_COPY) return p->length;
    /* The end of a flow is always told, so that no state is left behind. */
    if (verdict == SMTPSCOPE_IGNORE && !(p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST))) return 0;
    return p->headers;
}

static __always_inline enum smtpscope_cause deliver(struct frame* f, const struct packet* p) {
    struct smtpscope_flow* flow = 0;
    enum smtpscope_cause cause;
    __u32 sender = 0, in_use = flows_in_use;

    if (p->length == p->headers && !(p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST))) return SMTPSCOPE_IGNORED_ACK;
    f->captured = p->length;
    if (in_use || shards > 1) {
        struct smtpscope_ends e;
        __u64 hash;

        read_ends(p, &e);
        hash = smtpscope_flow_hash(&e, hash_seed);
        f->shard = smtpscope_shard(hash, shards);
        if (in_use) flow = find_flow(&e, hash, in_use, &sender);
    }
    if (!flow) return copy_packet(f, p);

    sender &= 1;
    f->captured = allowed(flow, p, sender);
    if (f->captured) {
        cause = copy_packet(f, p);
        if (cause != SMTPSCOPE_DELIVERED) return cause;
        flow->delivered_packets[sender]++;
        flow->delivered_bytes[sender] += f->captured;
    } else {
        flow->ignored_packets[sender]++;
        cause = SMTPSCOPE_IGNORED_FLOW;
    }
    flow->ignored_bytes[sender] += p->length - f->captured;
    return cause;
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

/* Hands a packet that is ours on, and accounts for it. `length`: of the frame. */
static __always_inline void watch(struct frame* f, struct cursor* cursor, struct packet* p, __u32 length) {
    __u32 present = length - l3_of(f, p);
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
