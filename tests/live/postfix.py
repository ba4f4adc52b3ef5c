# SPDX-License-Identifier: BSD-3-Clause
"""A real Postfix in the server's namespace, with folders of its own: the host's is not touched. Mail is accepted, queued
and discarded."""

import os
import shutil
import subprocess

from testbed import Skipped, need, sh, wait_until

MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
maillog_file = /dev/stdout
myhostname = {host}
mydomain = smtpscope.example
mydestination =
mynetworks = 0.0.0.0/0 [::]/0
inet_interfaces = all
inet_protocols = all
disable_dns_lookups = yes
smtpd_peername_lookup = no
default_transport = discard:
local_transport = discard:
relay_transport = discard:
alias_maps =
alias_database =
local_recipient_maps =
smtpd_recipient_restrictions =
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_discard_ehlo_keywords =
smtpd_tls_cert_file = {dir}/cert.pem
smtpd_tls_key_file = {dir}/key.pem
smtpd_tls_security_level = may
message_size_limit = 0
mailbox_size_limit = 0
in_flow_delay = 0
default_process_limit = 50
# Clients here make mistakes on purpose, and many connections.
smtpd_soft_error_limit = 10000
smtpd_hard_error_limit = 10000
smtpd_junk_command_limit = 100000
smtpd_error_sleep_time = 0
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
"""

MASTER = """
smtp       inet  n  -  n  -  -  smtpd
submission inet  n  -  n  -  -  smtpd
cleanup    unix  n  -  n  -  0  cleanup
qmgr       unix  n  -  n  300  1  qmgr
rewrite    unix  -  -  n  -  -  trivial-rewrite
bounce     unix  -  -  n  -  0  bounce
defer      unix  -  -  n  -  0  bounce
trace      unix  -  -  n  -  0  bounce
proxymap   unix  -  -  n  -  -  proxymap
tlsmgr     unix  -  -  n  1000?  1  tlsmgr
anvil      unix  -  -  n  -  1  anvil
error      unix  -  -  n  -  -  error
retry      unix  -  -  n  -  -  error
discard    unix  -  -  n  -  -  discard
postlog    unix-dgram n  -  n  -  1  postlogd
"""


def daemon_directory():
    for folder in ("/usr/lib/postfix/sbin", "/usr/libexec/postfix"):
        if os.path.exists(folder + "/master"):
            return folder
    raise Skipped("the daemons of Postfix are not where they are expected")


class Postfix:
    def __init__(self, bed, folder="postfix", prefix=(), host="mx.smtpscope.example", main="", master=""):
        """`prefix`: words before the command, to run it under something else. `main`, `master`: lines at the end of its
        two files."""
        need("postfix", "openssl")
        self.bed, self.prefix = bed, prefix
        self.dir = os.path.join(bed.dir, folder)
        os.makedirs(self.dir + "/conf")
        os.makedirs(self.dir + "/queue")
        os.makedirs(self.dir + "/data")
        shutil.chown(self.dir + "/data", "postfix")
        self.write("conf/main.cf", MAIN.format(dir=self.dir, daemons=daemon_directory(), host=host) + main)
        self.write("conf/master.cf", MASTER + master)
        sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
           "/CN=mx.smtpscope.example", "-keyout", self.dir + "/key.pem", "-out", self.dir + "/cert.pem")
        self.start()

    def write(self, name, text):
        with open(os.path.join(self.dir, name), "w", encoding="ascii") as file:
            file.write(text)

    def start(self):
        with open(self.dir + "/log", "ab") as log:
            self.process = self.bed.start(self.bed.server, *self.prefix, "postfix", "-c", self.dir + "/conf", "start-fg",
                                          stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        wait_until(self.answers, 30, "Postfix answers on 25 and 587")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("Postfix has ended: " + self.log())
        listening = self.bed.run(self.bed.server, "ss", "-Hltn")
        return all(f"{address}:{port} " in listening for port in (25, 587) for address in ("0.0.0.0", "[::]"))

    def log(self):
        with open(self.dir + "/log", encoding="latin-1") as file:
            return file.read()
