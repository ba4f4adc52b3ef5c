// SPDX-License-Identifier: BSD-3-Clause
// What is known of the installed unit, from the text that `systemctl show` prints.
#include <algorithm>

#include "agent/service_unit.h"
#include "catch.h"

using namespace smtpscope;
using namespace smtpscope::agent;
using config::Confinement;
using config::Runner;

namespace {

Runner runner_of(const std::string& properties) {
    const auto runner = runner_of_unit("LoadState=loaded\n" + properties);
    REQUIRE(runner);
    return *runner;
}

/// The rules, as `PATH w|r|h SETTING`.
std::string rules_of(const Runner& runner) {
    std::string all;
    for (const Confinement::Rule& rule : runner.unit.rules)
        all += rule.path + " " + "wrh"[static_cast<int>(rule.access)] + " " + rule.setting + "\n";
    return all;
}

}  // namespace

TEST_CASE("unit: whether there is one") {
    CHECK(!runner_of_unit(""));
    CHECK(!runner_of_unit("LoadState=not-found\nUser=nobody\n"));
    CHECK(!runner_of_unit("no properties"));
    CHECK(runner_of("").unit.unit == "smtpscope.service");
    CHECK(runner_of("").user.uid == 0);
}

TEST_CASE("unit: its user") {
    const Runner named = runner_of("User=nobody\nGroup=\nDynamicUser=no\n");
    CHECK(named.user.uid == 65534);
    CHECK(named.user.gid == 65534);
    CHECK(runner_of("User=65534\n").user.uid == 65534);
    const Runner number =
        runner_of("User=2000000011\nGroup=2000000012\nSupplementaryGroups=2000000013 0 no-such-group\n");
    CHECK(number.user.uid == 2'000'000'011);
    CHECK(number.user.gid == 2'000'000'012);
    CHECK(number.user.groups == std::vector<std::uint32_t>{2'000'000'013, 0});
    const Runner group = runner_of("User=nobody\nGroup=root\nSupplementaryGroups=7\n");
    CHECK(group.user.gid == 0);
    CHECK(std::count(group.user.groups.begin(), group.user.groups.end(), 65534) == 1);
    CHECK(group.user.groups.back() == 7);
    CHECK(runner_of("User=no-such-user\nDynamicUser=yes\n").user.uid == 61184);
    CHECK(runner_of("User=no-such-user\nDynamicUser=no\n").user.uid == 0);
}

TEST_CASE("unit: what it makes of the file system") {
    const Runner runner = runner_of(
        "ProtectSystem=strict\nProtectHome=read-only\nPrivateTmp=yes\n"
        "ReadWritePaths=/srv/a -/srv/b +/srv/c\nReadOnlyPaths=/etc\nInaccessiblePaths=-/srv/d\n"
        "LogsDirectory=smtpscope\nStateDirectory=a b/c:d\nRuntimeDirectory=\n");
    CHECK(rules_of(runner) ==
          "/ r ProtectSystem=strict\n/dev w \n/proc w \n/sys w \n"
          "/home r ProtectHome=read-only\n/root r ProtectHome=read-only\n/run/user r ProtectHome=read-only\n"
          "/tmp h PrivateTmp=yes\n/var/tmp h PrivateTmp=yes\n"
          "/etc r ReadOnlyPaths=/etc\n"
          "/srv/a w ReadWritePaths=/srv/a\n/srv/b w ReadWritePaths=-/srv/b\n/srv/c w ReadWritePaths=+/srv/c\n"
          "/srv/d h InaccessiblePaths=-/srv/d\n"
          "/var/lib/a w StateDirectory=a\n/var/lib/private/a w StateDirectory=a\n"
          "/var/lib/b/c w StateDirectory=b/c:d\n/var/lib/private/b/c w StateDirectory=b/c:d\n"
          "/var/log/smtpscope w LogsDirectory=smtpscope\n/var/log/private/smtpscope w LogsDirectory=smtpscope\n");
    CHECK(runner.unit.made == std::vector<std::string>{"/var/lib/a", "/var/lib/b/c", "/var/log/smtpscope"});
    CHECK(rules_of(runner_of("ProtectSystem=no\nProtectHome=no\nPrivateTmp=no\n")).empty());
    CHECK(rules_of(runner_of("ProtectSystem=full\n")).starts_with("/usr r ProtectSystem=full\n/boot r "));
    CHECK(rules_of(runner_of("ProtectHome=yes\n")) ==
          "/home h ProtectHome=yes\n/root h ProtectHome=yes\n/run/user h ProtectHome=yes\n");
}
