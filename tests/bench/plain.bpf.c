/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The plainest programs that do what ours have to do at least: what they cost on a machine is what ours are compared
 * with there. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} plain_ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 65536);
    __type(key, __u64);
    __type(value, __u64);
} plain_flows SEC(".maps");

/* One look-up, which finds its entry; nothing is parsed. */
SEC("xdp")
int plain_lookup(struct xdp_md* ctx) {
    __u64 key = 1;
    __u64* value = bpf_map_lookup_elem(&plain_flows, &key);

    (void)ctx;
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
