# What a set-up or a stack could have left on a host, a line each: for comparing before and after. What the machine does by itself is left out.
set -u
section() { sed "s|^|$1 |"; }
find /etc /opt /root /home /srv /usr /var /run \
  \( -path /var/log/journal -o -path /var/lib/systemd -o -path /var/lib/apt -o -path /var/cache -o -path /var/log/apt -o -path /var/log/dpkg.log -o -path /var/lib/dpkg -o -path /var/tmp -o -path /run/systemd \
  -o -path /run/log -o -path /run/user -o -path /run/udev -o -path /run/dbus -o -path /run/lock -o -path /run/host -o -path /usr/share \) -prune \
  -o -printf '%y %m %u:%g %p %l\n' | sort | section file
find /etc -type f ! -path /etc/mtab -exec sha256sum {} + | sort -k 2 | section content
dpkg-query --show --showformat '${Package} ${db:Status-Status}\n' | section package
systemctl list-unit-files --no-legend --plain --state=enabled | awk '{ print $1 }' | sort | section enabled
systemctl list-units --no-legend --plain --type=service --state=running,failed | awk '$1 !~ /^(user|session|systemd-.*)/ { print $1, $4 }' | sort | section service
awk '$5 !~ "^/run/(user|credentials)" { print $5 }' /proc/self/mountinfo | sort | section mount
ip -6 route show table all | grep -v 'cache\|^multicast' | sed 's/ expires [^ ]*//' | sort | section route
ip -o -6 address show | awk '{ print $2, $4 }' | sort | section address
ip -o link show | awk '{ print $2 }' | sort | section link
ip netns list | sort | section namespace
nft list ruleset | section nft
find /sys/fs/cgroup -type d ! -path '*/system.slice/*' ! -path '*/user.slice/*' | sort | section cgroup
sysctl -a 2> /dev/null | grep -E '^(net\.(ipv4|ipv6|core|bridge|netfilter)|vm|kernel\.(panic|keys))' \
  | grep -Ev '_count|stat_refresh|nf_conntrack_(max|buckets)|secret|fastopen_key|\.(mem|base_reachable)|\.icmp\.ratemask|fib_sync_mem|file_autocorking|lock_stat' | section sysctl
for exe in /proc/[0-9]*/exe; do readlink "$exe"; done 2> /dev/null | grep -v -e /sshd -e /dash -e /systemd -e /find -e /readlink -e /grep -e /sort -e /sed | sort -u | section process
