/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The fate of a packet of our ports: what the verdict on its flow leaves of it, and the accounts. */
#ifndef SMTPSCOPE_FLOW_H
#define SMTPSCOPE_FLOW_H

#include "copy.h"

static __always_inline void read_address(__u32 to[4], const void* address, int version) {
    const __u32* words = address;

    if (version == 4) {
        to[0] = 0;
        to[1] = 0;
        to[2] = bpf_htonl(0xffff);
        to[3] = words[0];
        return;
    }
    to[0] = words[0];
    to[1] = words[1];
    to[2] = words[2];
    to[3] = words[3];
}

/* The entry of the packet's flow, and which end of its key sent the packet. */
static __always_inline struct smtpscope_flow* find_flow(const struct packet* p, __u32* sender) {
    struct smtpscope_flow_key key;
    __u32 source[4], destination[4];

    if (p->version == 4) {
        const struct iphdr* ip = p->ip;

        read_address(source, &ip->saddr, 4);
        read_address(destination, &ip->daddr, 4);
    } else {
        const struct ipv6hdr* ip = p->ip;

        read_address(source, &ip->saddr, 6);
        read_address(destination, &ip->daddr, 6);
    }
    if (smtpscope_source_is_first(source, destination, p->source_port, p->destination_port)) {
        *sender = 0;
        __builtin_memcpy(key.address[0], source, sizeof(source));
        __builtin_memcpy(key.address[1], destination, sizeof(source));
        key.port[0] = p->source_port;
        key.port[1] = p->destination_port;
    } else {
        *sender = 1;
        __builtin_memcpy(key.address[0], destination, sizeof(source));
        __builtin_memcpy(key.address[1], source, sizeof(source));
        key.port[0] = p->destination_port;
        key.port[1] = p->source_port;
    }
    return bpf_map_lookup_elem(&flows, &key);
}

/* How many bytes of the packet the verdict leaves; 0: none. */
static __always_inline __u32 allowed(struct smtpscope_flow* flow, const struct packet* p) {
    /* A new connection between the same ports is a new matter. */
    if ((p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) flow->verdict = SMTPSCOPE_COPY;
    switch (flow->verdict) {
        case SMTPSCOPE_HEADERS_ONLY:
            return p->headers;
        case SMTPSCOPE_IGNORE:
            /* The end of a flow is always told, so that no state is left behind. */
            return p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST) ? p->headers : 0;
        default:
            return p->length;
    }
}

static __always_inline enum smtpscope_cause deliver(struct frame* f, const struct packet* p,
                                                    struct smtpscope_counters* c) {
    struct smtpscope_flow* flow = 0;
    enum smtpscope_cause cause;
    __u32 sender = 0;

    if (p->length == p->headers && !(p->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST))) return SMTPSCOPE_IGNORED_ACK;
    f->captured = p->length;
    if (flows_in_use) flow = find_flow(p, &sender);
    if (!flow) return copy_packet(f, p, c);

    sender &= 1;
    f->captured = allowed(flow, p);
    if (!f->captured) {
        flow->ignored_packets[sender]++;
        flow->ignored_bytes[sender] += p->length;
        return SMTPSCOPE_IGNORED_FLOW;
    }
    cause = copy_packet(f, p, c);
    if (cause == SMTPSCOPE_DELIVERED) {
        flow->delivered_packets[sender]++;
        flow->delivered_bytes[sender] += f->captured;
    }
    return cause;
}

/* Accounts for a packet that is ours and hands it on. */
static __always_inline void watch(struct frame* f, struct cursor* cursor, struct packet* p) {
    struct smtpscope_counters* c;
    __u32 cause, zero = 0;

    c = bpf_map_lookup_elem(&counters, &zero);
    if (!c) return;
    c->packets[SMTPSCOPE_SEEN]++;
    if (p->fragment)
        cause = SMTPSCOPE_LOST_FRAGMENT;
    else if (!read_headers(cursor, p))
        cause = SMTPSCOPE_LOST_UNREADABLE;
    else
        cause = deliver(f, p, c);
    c->bytes[SMTPSCOPE_SEEN] += p->length;
    UNKNOWN(cause);
    if (cause >= SMTPSCOPE_CAUSE_COUNT) return;
    c->packets[cause]++;
    c->bytes[cause] += p->length;
}

#endif
