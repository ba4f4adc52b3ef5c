/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The plainest programs that do what ours have to do at least: what they cost on a machine is what ours are compared
 * with there. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "smtpscope/kernel_abi.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} plain_ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 65536);
    __type(key, struct smtpscope_ends);
    __type(value, __u64);
} plain_flows SEC(".maps");

/* IPv4 without options, TCP; no other forms of packets. 0: none. */
static __always_inline struct tcphdr* tcp_of(struct xdp_md* ctx) {
    struct ethhdr* eth = (void*)(long)ctx->data;
    struct iphdr* ip = (void*)(eth + 1);
    struct tcphdr* tcp = (void*)(ip + 1);

    if ((void*)(tcp + 1) > (void*)(long)ctx->data_end) return 0;
    return eth->h_proto == bpf_htons(ETH_P_IP) && ip->protocol == IPPROTO_TCP ? tcp : 0;
}

static __always_inline int is_mail(const struct tcphdr* tcp) {
    return tcp->source == bpf_htons(25) || tcp->dest == bpf_htons(25) || tcp->source == bpf_htons(587) ||
           tcp->dest == bpf_htons(587);
}

/* The ports compared with constants. */
SEC("xdp")
int plain_ports(struct xdp_md* ctx) {
    const struct tcphdr* tcp = tcp_of(ctx);

    return tcp && !is_mail(tcp) ? XDP_PASS : XDP_ABORTED;
}

/* That, and the connection looked up in one of the kernel's maps: no order of its ends, no accounts. */
SEC("xdp")
int plain_lookup(struct xdp_md* ctx) {
    const struct tcphdr* tcp = tcp_of(ctx);
    struct smtpscope_ends key = {};
    const struct iphdr* ip;
    __u64* value;

    if (!tcp || !is_mail(tcp)) return XDP_ABORTED;
    ip = (const void*)tcp - sizeof(*ip);
    key.address[0][1] = (__u64)ip->saddr << 32 | bpf_htonl(0xffff);
    key.address[1][1] = (__u64)ip->daddr << 32 | bpf_htonl(0xffff);
    key.port[0] = tcp->source;
    key.port[1] = tcp->dest;
    value = bpf_map_lookup_elem(&plain_flows, &key);
    return value && *value == 0 ? XDP_PASS : XDP_ABORTED;
}

struct plain_record {
    __u64 time;
    __u8 bytes[1600];
};

/* The frame, its Ethernet header left out, with the time into a ring; nothing is parsed. */
SEC("xdp")
int plain_copy(struct xdp_md* ctx) {
    void* data = (void*)(long)ctx->data;
    __u64 size = ctx->data_end - ctx->data - 14;
    struct plain_record* record = bpf_ringbuf_reserve(&plain_ring, sizeof(*record), 0);

    if (!record) return XDP_ABORTED;
    record->time = bpf_ktime_get_ns();
    asm volatile("" : "+r"(size));
    if (size > sizeof(record->bytes)) size = sizeof(record->bytes);
    asm volatile("" : "+r"(size));
    bpf_probe_read_kernel(record->bytes, size, data + 14);
    bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
    return XDP_PASS;
}
