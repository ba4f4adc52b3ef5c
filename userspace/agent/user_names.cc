// SPDX-License-Identifier: BSD-3-Clause
#include "agent/user_names.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace smtpscope::agent {
namespace {

using std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto lifetime = 5min;
constexpr std::size_t most_names = 4096, most_questions = 256;

}  // namespace

struct UserNames::State {
    struct Entry {
        std::string name;
        steady_clock::time_point due;  ///< when it is looked up again
    };
    Lookup lookup;
    std::mutex mutex;
    std::condition_variable asked;
    std::deque<std::uint32_t> questions;
    std::unordered_map<std::uint32_t, Entry> names;
    bool stopping = false;

    void ask(std::uint32_t uid) {
        if (questions.size() >= most_questions || std::find(questions.begin(), questions.end(), uid) != questions.end())
            return;
        questions.push_back(uid);
        asked.notify_one();
    }
};

UserNames::UserNames(Lookup lookup) : state_(std::make_shared<State>()) {
    state_->lookup = std::move(lookup);
    std::thread([state = state_] { serve(state); }).detach();
}

UserNames::~UserNames() {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->asked.notify_one();
}

void UserNames::serve(const std::shared_ptr<State>& state) {
    std::unique_lock lock(state->mutex);
    for (;;) {
        state->asked.wait(lock, [&] { return state->stopping || !state->questions.empty(); });
        if (state->stopping) return;
        const std::uint32_t uid = state->questions.front();
        lock.unlock();
        std::string name = state->lookup(uid);
        lock.lock();
        state->questions.pop_front();  // only now, so that nobody asks for it meanwhile
        if (state->names.size() >= most_names) state->names.clear();
        state->names[uid] = {std::move(name), steady_clock::now() + lifetime};
    }
}

void UserNames::know(const files::User& user) {
    const std::lock_guard lock(state_->mutex);
    if (state_->names.size() < most_names) state_->names.try_emplace(user.uid, State::Entry{user.name, {}});
}

std::optional<std::string> UserNames::find(std::uint32_t uid) {
    State& s = *state_;
    const std::lock_guard lock(s.mutex);
    const auto known = s.names.find(uid);
    if (known != s.names.end()) {
        if (steady_clock::now() >= known->second.due) s.ask(uid);
        return known->second.name;
    }
    s.ask(uid);
    return std::nullopt;
}

}  // namespace smtpscope::agent
