# SPDX-License-Identifier: BSD-3-Clause
"""Mail servers of Debian that cannot be installed beside each other: each is unpacked on a root of its own, an overlay of
this machine's that only its processes see. The packages are kept in $DEBS."""

import fcntl
import glob
import os
import subprocess

from testbed import Skipped, need, sh, wait_until

DEBS = os.path.abspath(os.environ.get("DEBS", "build/tests/debs"))
PORTS = (25, 587)

# In the order of mounting: what the processes inside share with this machine.
ENTER = """
set -e
mount -t overlay overlay -o "lowerdir=$0/packages:/,upperdir=$0/upper,workdir=$0/work" "$0/root"
for folder in proc dev sys; do mount --rbind "/$folder" "$0/root/$folder"; done
exec chroot "$0/root" "$@"
"""

EXIM = """
primary_hostname = mx.smtpscope.example
local_interfaces = <; 0.0.0.0 ; ::0
daemon_smtp_ports = 25 : 587
host_lookup =
keep_environment =
acl_smtp_rcpt = accept
acl_smtp_data = accept
tls_advertise_hosts = *
tls_certificate = /etc/exim4/cert.pem
tls_privatekey = /etc/exim4/key.pem
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
queue_run_max = 20

begin acl

begin routers
{routers}
begin transports
{transports}
begin retry
* * F,1h,1s
"""

EXIM_ROUTER = """
{name}:
  driver = manualroute
  domains = {domain}
  transport = {name}
  route_list = * "<+ {host}" byname
"""

EXIM_TRANSPORT = """
{name}:
  driver = smtp
  port = {port}
  hosts_try_dane =
  tls_verify_certificates =
  tls_verify_hosts =
  tls_try_verify_hosts =
  {tls} = *
"""

OPENSMTPD = """
pki own cert "/etc/smtpd/cert.pem"
pki own key "/etc/smtpd/key.pem"
listen on 0.0.0.0 port 25 tls pki own
listen on 0.0.0.0 port 587 tls pki own
listen on :: port 25 tls pki own
listen on :: port 587 tls pki own
"""


def fetch(package):
    """The .deb files of a package and of what it depends on, except for what is installed here."""
    need("apt-get", "dpkg-deb")
    folder = f"{DEBS}/{package}"
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(folder + "/.complete"):
            try:
                sh("apt-get", "-qq", "-y", "--no-install-recommends", "--download-only", "-o", "APT::Sandbox::User=root", "-o",
                   f"Dir::Cache::archives={folder}", "install", package, timeout=120)
            except (RuntimeError, subprocess.TimeoutExpired) as why:
                raise Skipped(f"{package} cannot be fetched: {why}") from None
            with open(folder + "/.complete", "w", encoding="ascii"):
                pass
    return glob.glob(folder + "/*.deb")


def unpack(debs, folder):
    """Their files in a folder that is to be laid over this machine's root. Where that has a symbolic link, as /lib is one, a
    folder of the package's would hide what is behind it."""
    for name in os.listdir("/"):
        if os.path.islink("/" + name):
            target = os.readlink("/" + name).lstrip("/")
            os.makedirs(f"{folder}/{target}", exist_ok=True)
            os.symlink(target, f"{folder}/{name}")
    for deb in debs:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as archive:
            sh("tar", "-x", "-p", "--keep-directory-symlink", "-C", folder, stdin=archive.stdout)


class Packaged:
    """A server on a root of its own. Derived classes tell what is special: `package`, `users` (lines of passwd), how it is
    configured and how it is started."""
    def __init__(self, bed, ways, prefix=()):
        """`ways`: where it relays to. `prefix`: words before the command, to run it under something else."""
        need("openssl", "chroot")
        self.bed, self.prefix = bed, prefix
        self.dir = f"{bed.dir}/{self.package}"
        os.mkdir(self.dir)
        # The layers of an overlay must not lie within each other.
        sh("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", self.dir)
        bed.cleanup.callback(sh, "umount", "--lazy", self.dir, check=False)
        for folder in ("packages", "upper", "work", "root"):
            os.mkdir(f"{self.dir}/{folder}")
        unpack(fetch(self.package), self.dir + "/packages")
        self.write("/etc/passwd", own_users("/etc/passwd", self.users))
        self.write("/etc/group", own_users("/etc/group", self.groups))
        self.write("/etc/resolv.conf", "")
        self.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")
        self.configure(ways)
        self.start()

    @property
    def names(self):
        """Words before a command that is to know the server's users by their names."""
        return ("sh", "-c", 'mount --bind "$0" /etc/passwd && exec "$@"', self.path("/etc/passwd"))

    def path(self, path):
        return self.dir + "/packages" + path

    def write(self, path, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.path(path), mode)

    def make_key(self, folder, owner=0):
        os.makedirs(self.path(folder), exist_ok=True)
        key, certificate = self.path(folder + "/key.pem"), self.path(folder + "/cert.pem")
        sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mx.smtpscope.example",
           "-keyout", key, "-out", certificate)
        os.chmod(key, 0o600)
        os.chown(key, owner, owner)

    def start(self):
        with open(self.dir + "/log", "ab") as log:
            self.process = self.bed.start(self.bed.server, *self.prefix, "sh", "-c", ENTER, self.dir, *self.command,
                                          stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        wait_until(self.answers, 30, f"{self.package} answers on 25 and 587")

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.package} has ended ({self.process.returncode}): {self.log()}")
        listening = self.bed.run(self.bed.server, "ss", "-Hltn")
        return all(any(f"{address}:{port} " in listening for address in addresses)
                   for port in PORTS for addresses in (("0.0.0.0",), ("[::]", "*")))

    def log(self):
        with open(self.dir + "/log", encoding="latin-1") as file:
            return file.read()[-3000:]


def own_users(path, lines):
    """The file of this machine with these lines in place of those of the same name."""
    names = {line.split(":")[0] for line in lines}
    with open(path, encoding="utf-8") as file:
        kept = [line for line in file.read().splitlines() if line.split(":")[0] not in names]
    return "\n".join([*kept, *lines, ""])


class Exim(Packaged):
    package, user, uid = "exim4-daemon-light", "Debian-exim", 60125
    users = (f"{user}:x:{uid}:{uid}::/var/spool/exim4:/usr/sbin/nologin",)
    groups = (f"{user}:x:{uid}:",)
    command = ("/usr/sbin/exim4", "-bdf", "-q5s")

    def configure(self, ways):
        routers = "".join(EXIM_ROUTER.format(**vars(way)) for way in ways)
        transports = "".join(EXIM_TRANSPORT.format(name=way.name, port=way.port, tls="hosts_require_tls" if way.tls else
                                                   "hosts_avoid_tls") for way in ways)
        self.write("/etc/exim4/exim4.conf", EXIM.format(routers=routers, transports=transports))
        self.make_key("/etc/exim4", self.uid)
        for folder in ("/var/spool/exim4", "/var/log/exim4"):
            os.makedirs(self.path(folder), exist_ok=True)
            os.chown(self.path(folder), self.uid, self.uid)


class OpenSMTPD(Packaged):
    package, user, uid = "opensmtpd", "opensmtpd", 60126
    users = (f"{user}:x:{uid}:{uid}::/var/lib/opensmtpd/empty:/usr/sbin/nologin",
             "opensmtpq:x:60127:60127::/var/lib/opensmtpd/empty:/usr/sbin/nologin")
    groups = (f"{user}:x:{uid}:", "opensmtpq:x:60127:")
    command = ("/usr/sbin/smtpd", "-d", "-f", "/etc/smtpd/smtpd.conf")

    def configure(self, ways):
        lines = [OPENSMTPD]
        for way in ways:
            scheme, verify = ("smtp+tls", " tls no-verify") if way.tls else ("smtp+notls", "")
            host = f"[{way.host}]" if ":" in way.host else way.host
            lines.append(f'action {way.name} relay host {scheme}://{host}:{way.port}{verify}\n'
                         f'match from any for domain {way.domain} action {way.name}\n')
        self.write("/etc/smtpd/smtpd.conf", "".join(lines))
        self.write("/etc/mailname", "mx.smtpscope.example\n")
        self.make_key("/etc/smtpd")
        for folder, mode in (("/var/lib/opensmtpd/empty", 0o755), ("/var/spool/smtpd", 0o711)):
            os.makedirs(self.path(folder), exist_ok=True)
            os.chmod(self.path(folder), mode)
