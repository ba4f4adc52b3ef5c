// SPDX-License-Identifier: BSD-3-Clause
// The connections that are followed: which end began, when they are over, and how many there may be.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "smtpscope/flow.h"
#include "smtpscope/records.h"
#include "tcp/connection.h"

namespace smtpscope::tcp {

/// What the application keeps for one connection.
class Session : public StreamSink {
  public:
    /// The first payload of `from` that a socket of this host sent, before the stream has it.
    virtual void sent_by(Side from, const Sender& sender) = 0;
    /// The connection is over, or no longer followed; the streams have ended.
    virtual void finish(Timestamp ts, Ending why) = 0;
    /// Adds what the application knows: uid, stage, bytes of the message.
    virtual void describe(FlowSummary& summary) const = 0;
};

class SessionFactory {
  public:
    virtual ~SessionFactory() = default;
    /// Called at the first payload. `begin`: time of the first packet. `conn` lives as long as the session.
    virtual std::unique_ptr<Session> open(const ConnId& id, Timestamp begin, Connection& conn) = 0;
    /// The connection is not followed any longer. Called again if payload still comes: the packet source does not know,
    /// or has forgotten.
    virtual void ignore(const ConnId& id, Disposition why) = 0;
    virtual void closed(const ConnId& id) = 0;
};

struct TableStats {
    std::uint64_t segments = 0;
    std::uint64_t stray = 0;     ///< of no known connection, and cannot begin one
    std::uint64_t not_mail = 0;  ///< neither port is a server's
    std::uint64_t opened = 0;
    std::uint64_t evicted = 0;
    std::uint64_t ignored = 0;  ///< not followed any longer
};

class Table {
  public:
    Table(const Limits& limits, const std::vector<std::uint16_t>& server_ports, SessionFactory& factory);
    ~Table();

    void segment(const net::Segment& arrived);
    /// Handles the timeouts that are due.
    void advance(Timestamp now);
    /// Ends every connection.
    void finish(Ending why);

    const TableStats& stats() const { return stats_; }
    const Accounts& accounts() const { return accounts_; }
    /// Connections that are not over.
    std::size_t size() const { return flows_.size() - over_; }
    /// Whether it has no connection at all, not even one that is over.
    bool empty() const { return flows_.empty(); }
    Timestamp now() const { return now_; }
    /// The most recently active of them, the latest first; at most `limit`.
    std::vector<FlowSummary> latest(std::size_t limit) const;

  private:
    /// Both ends, the lower first, so that both directions have the same key.
    struct Key {
        Address a, b;
        std::uint16_t a_port = 0, b_port = 0;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& k) const noexcept;
    };
    struct Queued;
    struct Waiting;
    using InQueue = boost::intrusive::list_base_hook<boost::intrusive::tag<Queued>>;
    using InWaiting = boost::intrusive::list_base_hook<boost::intrusive::tag<Waiting>>;
    struct Flow;
    using Queue = boost::intrusive::list<Flow, boost::intrusive::base_hook<InQueue>>;
    struct Flow : InQueue, InWaiting {
        Flow(const Limits& limits, Accounts& accounts) : conn(limits, accounts) {}
        ConnId id() const;
        Side sender_of(const net::Segment& s) const;
        StreamSink& sink();
        FlowSummary summary() const;
        const Key* key = nullptr;  ///< in flows_
        Timestamp begin, last;
        Connection conn;
        std::unique_ptr<Session> session;
        Queue* queue = nullptr;        ///< the one that it stands in
        bool a_is_originator = false;  ///< of the key's ends
        bool told_sender[2] = {};      ///< by Side: the session knows whose socket sends
        bool over = false;     ///< closed by FIN or RST; kept so that stragglers do not look like a new connection
        bool ignored = false;  ///< and the factory was told
        std::uint32_t unwanted = 0;   ///< segments with payload since it was ignored
        std::uint32_t reopening = 0;  ///< sequence number after a SYN that may open a new connection on these ports
    };

    static Key key_of(const net::Segment& s);
    bool is_server(std::uint16_t port) const { return server_ports_[port]; }
    Flow* find(const Key& key);
    Flow* open(const Key& key, const net::Segment& s);
    bool reopens(Flow& flow, Side from, const net::Segment& s);
    void deliver(Flow& flow, Side from, const net::Segment& s);
    void touch(Flow& flow, Queue& queue);
    void update_waiting(Flow& flow);
    void evict(Queue& queue);  ///< the least recently used one
    void expire(Queue& queue, Duration timeout);
    void tell_ignored(Flow& flow);
    void end_session(Flow& flow, Ending why);
    void retire(Flow& flow);
    void erase(Flow& flow, Ending why);

    const Limits* limits_;
    SessionFactory* factory_;
    std::vector<bool> server_ports_;
    Accounts accounts_;
    TableStats stats_;
    Timestamp now_{std::chrono::seconds(1)};  ///< captures without times get this one, as in the reference
    Timestamp next_check_{};
    std::unordered_map<Key, Flow, KeyHash> flows_;  ///< declared before the queues, which are destroyed first
    std::size_t over_ = 0;                          ///< of flows_, those that are
    Flow* recent_ = nullptr;                        ///< the last one found: packets of one connection come in groups
    Queue embryonic_;  ///< without payload so far, the least recently used first; a flood of SYNs fills only this queue
    Queue active_;
    Queue closing_;  ///< one end has closed, or both
    boost::intrusive::list<Flow, boost::intrusive::base_hook<InWaiting>>
        waiting_;  ///< blocked connections, the longest wait first
};

}  // namespace smtpscope::tcp
