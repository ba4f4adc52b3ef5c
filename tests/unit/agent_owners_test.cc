// SPDX-License-Identifier: BSD-3-Clause
// From a socket's uid and cgroup to the names of its user, unit and container.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "agent/cgroup_index.h"
#include "agent/cgroup_path.h"
#include "agent/owners.h"
#include "agent/user_names.h"
#include "catch.h"
#include "support_folder.h"

using namespace smtpscope;
using namespace smtpscope::agent;
using namespace std::chrono_literals;

namespace {

const std::string id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string other_id(64, 'f');

struct Tree : test::Folder {
    std::uint64_t make(const std::string& name) const {
        std::filesystem::create_directories(path + name);
        struct stat info {};
        CHECK(stat((path + name).c_str(), &info) == 0);
        return info.st_ino;
    }
};

/// Empty: there is none.
std::string path_of(CgroupIndex& index, std::uint64_t inode) {
    return index.find(inode).value_or("not known yet");
}

/// What `ask` says once that is `expected`, or after ten seconds: threads answer when they get to run.
std::string in_time(const std::function<std::string()>& ask, const std::string& expected) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    std::string answer = ask();
    while (answer != expected && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(1ms);
        answer = ask();
    }
    return answer;
}

std::string path_in_time(CgroupIndex& index, std::uint64_t inode, const std::string& expected) {
    return in_time([&] { return path_of(index, inode); }, expected);
}

std::string name_in_time(UserNames& users, std::uint32_t uid, const std::string& expected) {
    return in_time([&] { return users.find(uid).value_or("not known yet"); }, expected);
}

}  // namespace

TEST_CASE("cgroups: the unit and the container of a path") {
    struct Row {
        std::string path, unit, container;
    };
    const std::string kube = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12ab_34cd.slice/";
    const Row rows[] = {
        {"/", "", ""},
        {"", "", ""},
        // systemd
        {"/init.scope", "init.scope", ""},
        {"/system.slice/cron.service", "cron.service", ""},
        {"/system.slice/system-postfix.slice/postfix@-.service", "postfix@-.service", ""},
        {"/system.slice/ssh.socket", "ssh.socket", ""},
        {"/system.slice", "system.slice", ""},
        {"/user.slice/user-1234.slice", "user-1234.slice", ""},
        {"/user.slice/user-1234.slice/session-3.scope", "session-3.scope", ""},
        {"/user.slice/user-1234.slice/php", "user-1234.slice", ""},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service", "foo.service", ""},
        {"/user.slice/user-1000.slice/user@1000.service/init.scope", "init.scope", ""},
        {"/user.slice/user-1000.slice/user@1000.service/app.slice", "user@1000.service", ""},
        {"/system.slice/web.service/worker/3", "web.service", ""},
        {R"(/system.slice/dev-disk-by\x2dlabel-x.service)", R"(dev-disk-by\x2dlabel-x.service)", ""},
        {"/system.slice/_cpu.service", "cpu.service", ""},
        {"/system.slice/.service", "system.slice", ""},
        {"/mail", "", ""},
        // Docker, Podman, CRI-O, containerd, with systemd and without
        {"/system.slice/docker-" + id + ".scope", "docker-" + id + ".scope", id},
        {"/docker/" + id, "", id},
        {"/docker/" + id + "/system.slice/postfix.service", "postfix.service", id},
        {"/docker/" + id + "/docker/" + other_id, "", other_id},
        {"/machine.slice/libpod-" + id + ".scope/container", "libpod-" + id + ".scope", id},
        {"/machine.slice/libpod-conmon-" + id + ".scope", "libpod-conmon-" + id + ".scope", ""},
        {"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope", "libpod-" + id + ".scope",
         id},
        {"/system.slice/crio-" + id + ".scope", "crio-" + id + ".scope", id},
        {"/system.slice/crio-conmon-" + id + ".scope", "crio-conmon-" + id + ".scope", ""},
        {"/system.slice/docker.service", "docker.service", ""},
        {"/system.slice/docker-" + id.substr(1) + ".scope", "docker-" + id.substr(1) + ".scope", ""},
        {"/system.slice/docker-" + id.substr(1) + "G.scope", "docker-" + id.substr(1) + "G.scope", ""},
        {"/docker/" + id.substr(1), "", ""},
        // Kubernetes
        {kube + "cri-containerd-" + id + ".scope", "cri-containerd-" + id + ".scope", id},
        {kube + "docker-" + id + ".scope", "docker-" + id + ".scope", id},
        {kube, "kubepods-burstable-pod12ab_34cd.slice", ""},
        {"/kubepods/besteffort/pod12ab-34cd/" + id, "", id},
        // machines
        {"/machine.slice/systemd-nspawn@web.service", "systemd-nspawn@web.service", "web"},
        {"/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service", "nginx.service", "web"},
        {R"(/machine.slice/systemd-nspawn@my\x2dweb.service/payload)", R"(systemd-nspawn@my\x2dweb.service)", "my-web"},
        {"/machine.slice/machine-web.scope", "machine-web.scope", "web"},
        {R"(/machine.slice/machine-lxc\x2d12\x2dmail.scope)", R"(machine-lxc\x2d12\x2dmail.scope)", "lxc-12-mail"},
        {R"(/machine.slice/machine-a\x2)", "machine.slice", ""},
        {R"(/machine.slice/machine-a\xzz.scope)", R"(machine-a\xzz.scope)", R"(a\xzz)"},
        {"/lxc.payload.mail/system.slice/exim4.service", "exim4.service", "mail"},
        {"/lxc.payload.mail/docker/" + id, "", id},
        {"/lxc.payload/mail", "", "mail"},
        {"/lxc/101/ns/system.slice/postfix.service", "postfix.service", "101"},
        {"/lxc.monitor.mail", "", ""},
        {"/lxc.payload.", "", ""},
    };
    for (const Row& r : rows) {
        INFO(r.path);
        const CgroupNames names = parse_cgroup_path(r.path);
        CHECK(names.unit == r.unit);
        CHECK(names.container == r.container);
    }
}

TEST_CASE("cgroups: where they are mounted") {
    const std::string v1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu\n";
    CHECK(cgroup2_mount("").empty());
    CHECK(cgroup2_mount(v1).empty());
    CHECK(cgroup2_mount("35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw\n") ==
          "/sys/fs/cgroup");
    CHECK(cgroup2_mount(v1 + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 none rw") == "/sys/fs/cgroup/unified");
    CHECK(cgroup2_mount("41 31 0:38 / /a\\040b\\134c rw - cgroup2 none rw\n") == "/a b\\c");
    CHECK(cgroup2_mount("cgroup2\n - cgroup2\n\n").empty());
}

TEST_CASE("cgroups: from an id to a path") {
    const Tree tree;
    const auto root = tree.make(""), one = tree.make("/a.slice/one.scope"), deep = tree.make("/b/c/d/e");
    CgroupIndex index(tree.path);
    REQUIRE(index.usable());
    const auto begin = std::chrono::steady_clock::now();
    CHECK(path_in_time(index, root, "/") == "/");
    CHECK(path_of(index, one) == "/a.slice/one.scope");
    CHECK(path_of(index, deep) == "/b/c/d/e");
    CHECK(index.stats().readings == 1);
    CHECK(index.stats().folders == 7);

    SECTION("a new one is found, but the tree is not read all the time") {
        const auto two = tree.make("/a.slice/two.scope");
        CHECK(path_of(index, two) == "not known yet");
        CHECK(path_in_time(index, two, "/a.slice/two.scope") == "/a.slice/two.scope");
        CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
        CHECK(index.stats().readings == 2);
        CHECK(index.stats().unknown == 0);
        CHECK(path_of(index, one) == "/a.slice/one.scope");
    }
    SECTION("one that is gone is known until the tree is read again") {
        const auto two = tree.make("/two");  // first, so that it is not given the number that gets free
        std::filesystem::remove(tree.path + "/a.slice/one.scope");
        CHECK(path_of(index, one) == "/a.slice/one.scope");
        CHECK(path_in_time(index, two, "/two") == "/two");
        CHECK(path_in_time(index, one, "").empty());
        CHECK(index.stats().unknown > 0);
    }
    SECTION("the answer to a question stays when the folder is gone") {
        const auto two = tree.make("/two");
        CHECK(path_in_time(index, two, "/two") == "/two");
        const auto three = tree.make("/three");  // first, so that it is not given the number that gets free
        std::filesystem::remove(tree.path + "/two");
        CHECK(path_in_time(index, three, "/three") == "/three");
        CHECK(path_of(index, two) == "/two");
    }
    SECTION("there is none: that is the answer, and what comes later is found all the same") {
        CHECK(path_in_time(index, 1U << 30, "").empty());
        const std::uint64_t unknown = index.stats().unknown;
        CHECK(path_of(index, 1U << 30).empty());
        CHECK(index.stats().unknown == unknown + 1);
    }
}

TEST_CASE("cgroups: reading the tree") {
    const Tree tree;
    for (int i = 0; i < 20; ++i) tree.make("/" + std::to_string(i));
    const Descriptor root(open(tree.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    SECTION("links are not followed, and files are none") {
        std::filesystem::create_directory_symlink(tree.path, tree.path + "/0/self");
        std::filesystem::copy("/proc/self/status", tree.path + "/1/cgroup.procs");
        const CgroupTree found = read_cgroups(root.get(), 100);
        CHECK(found.paths.size() == 21);
        CHECK(found.left_out == 0);
    }
    SECTION("a limit of folders") {
        const CgroupTree found = read_cgroups(root.get(), 10);
        CHECK(found.paths.size() == 10);
        CHECK(found.left_out == 11);
    }
    SECTION("a limit of levels") {
        std::string path;
        for (int i = 0; i < 40; ++i) path += "/x";
        const auto deep = tree.make(path);
        const CgroupTree found = read_cgroups(root.get(), 100);
        CHECK(!found.paths.contains(deep));
        CHECK(found.left_out == 1);
        CHECK(found.paths.size() == 21 + 32);
    }
    SECTION("no folder at all") {
        for (const char* nowhere : {"", "/nowhere", "/proc/self/mountinfo"}) {
            CgroupIndex index(nowhere);
            CHECK(!index.usable());
            CHECK(path_of(index, 1).empty());
            CHECK(index.stats().unknown == 1);
        }
    }
}

TEST_CASE("users: the system's names") {
    CHECK(files::user_name(0) == "root");
    CHECK(files::user_name(2'000'000'011).empty());
    UserNames users;
    CHECK(name_in_time(users, 0, "root") == "root");
}

TEST_CASE("users: nobody is asked for twice, and nobody waits") {
    std::atomic<int> asked = 0;
    std::promise<void> answer;
    const std::shared_future<void> answered = answer.get_future().share();
    UserNames users([&asked, answered](std::uint32_t uid) {
        ++asked;
        if (uid == 1) answered.wait();
        return "u" + std::to_string(uid);
    });
    CHECK(name_in_time(users, 0, "u0") == "u0");
    CHECK(users.find(0) == "u0");
    CHECK(asked == 1);
    for (std::uint32_t uid = 1; uid < 100; ++uid) CHECK(users.find(uid) == std::nullopt);  // uid 1 blocks the thread
    CHECK(users.find(0) == "u0");
    answer.set_value();
    CHECK(name_in_time(users, 99, "u99") == "u99");
    CHECK(users.find(1) == "u1");
    CHECK(asked == 100);
}

TEST_CASE("users: those of a file are known at once, until they are looked up") {
    const test::Folder folder;
    const std::string file = folder / "passwd", long_line(5000, 'x');
    std::ofstream(file) << "root:x:0:0::/:/bin/sh\n# a comment\nbroken\nfirst:x:7:7::/:\nsecond:x:7:7::/:\nlong:x:8:8:"
                        << long_line << ":/:\nlast:x:9:9::/:\n";
    std::promise<void> answer;
    const std::shared_future<void> answered = answer.get_future().share();
    UserNames users([answered](std::uint32_t uid) {
        answered.wait();
        return "u" + std::to_string(uid);
    });
    for (const files::User& user : files::local_users(file)) users.know(user);
    CHECK(users.find(0) == "root");
    CHECK(users.find(7) == "first");
    CHECK(users.find(8) == "long");
    CHECK(users.find(9) == "last");
    CHECK(users.find(10) == std::nullopt);
    answer.set_value();
    CHECK(name_in_time(users, 7, "u7") == "u7");
    CHECK(files::local_users(folder / "missing").empty());
}

TEST_CASE("owners: a user of this system has a name at the first look") {
    Owners owners;
    for (const files::User& user : files::local_users()) {
        Sender sender;
        sender.uid = user.uid;
        CHECK_FALSE(owners.find(sender).user_due);
    }
}

TEST_CASE("owners: all of it together") {
    const Tree tree;
    const auto unit = tree.make("/system.slice/cron.service"), docker = tree.make("/docker/" + id);
    Owners owners(tree.path, [](std::uint32_t uid) { return "u" + std::to_string(uid); });
    const auto find = [&](const Sender& s) {
        const Owner o = owners.find(s);
        return o.user + " " + o.unit + " " + o.container;
    };
    const auto due = [&](const Sender& s) {
        const Owner o = owners.find(s);
        return std::string(o.user_due ? "user " : "") + (o.unit_due ? "unit" : "");
    };
    CHECK(in_time([&] { return find({7, unit}); }, "u7 cron.service ") == "u7 cron.service ");
    CHECK(due({7, unit}).empty());
    CHECK(find({7, docker}) == "  " + id);
    CHECK(find({7, 0}) == "u7  ");
    const std::uint64_t unknown = owners.stats().unknown;
    CHECK(due({7, 1U << 30}) == "user unit");
    CHECK(owners.stats().unknown == unknown);  // that is not said before the tree was read for it
    CHECK(in_time([&] { return due({7, 1U << 30}); }, "").empty());
    CHECK(find({7, 1U << 30}) == "u7  ");
    CHECK(owners.stats().unknown > unknown);
    CHECK(owners.stats().folders == 5);
    const auto begun = tree.make("/docker/" + other_id);
    CHECK(find({7, begun}) == "  ");  // not this host's u7
    CHECK(in_time([&] { return find({7, begun}); }, "  " + other_id) == "  " + other_id);
}

TEST_CASE("owners: what is due is said to be") {
    const Tree tree;
    std::promise<void> answer;
    Owners owners(tree.path, [answered = answer.get_future().share()](std::uint32_t) {
        answered.wait();
        return std::string("u7");
    });
    const auto unit = tree.make("/system.slice/cron.service");
    const Owner first = owners.find({7, unit});
    CHECK(first == Owner{{}, {}, {}, true, true});
    CHECK(in_time([&] { return owners.find({7, unit}).unit; }, "cron.service") == "cron.service");
    CHECK(owners.find({7, unit}) == Owner{{}, "cron.service", {}, true, false});
    answer.set_value();
    CHECK(in_time([&] { return owners.find({7, unit}).user; }, "u7") == "u7");
    CHECK(owners.find({7, unit}) == Owner{"u7", "cron.service", {}, false, false});
}
