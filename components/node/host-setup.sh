# Functions of both scripts of a set-up: the one that installs it and the one that removes it. $record is the set-up's record on the host:
#   units files directories packages   what it consists of, a line each
#   before/PATH                        a file of somebody else's that stood where one of the set-up's does now
#   sysctls                            kernel parameters as they were
#   restart                            units whose files have changed since they were started
#   brought                            Debian packages that were installed for it
#   undo remove                        what takes the rest back; what takes all back
# Beside the records, `created` lists the directories that were made for files, of whichever set-up.
records=/var/lib/peak-setups
failed=

# One set-up of a host at a time changes files, packages and records.
lock() {
  while :; do
    mkdir -p "$records"
    exec 9< "$records"
    flock 9
    # Whoever went before may have been the last, and have removed it.
    if [ "$records" -ef /proc/self/fd/9 ]; then return; fi
  done
}
unlock() { exec 9<&-; }

trouble() { # MESSAGE: something stays; the rest goes on
  echo "$1" >&2
  failed=1
}

# LIST LINE: whether the set-up itself has the line in its list.
listed() { grep -qxF -e "$2" "$record/$1" 2>/dev/null; }

# LIST LINE: whether another set-up has the line in its list, too. $other is its record then: what is in it is that one's.
others() {
  for other in "$records"/*/remove; do
    other=${other%/remove}
    if [ "$other" != "$record" ] && grep -qxF -e "$2" "$other/$1" 2>/dev/null; then return 0; fi
  done
  return 1
}

make_directory() { # PATH: with its parents
  if [ -z "$1" ] || [ -d "$1" ]; then return; fi
  make_directory "${1%/*}"
  mkdir "$1"
  echo "$1" >> "$records/created"
}

remove_created() { # directories that were made for what is no more
  [ -e "$records/created" ] || return 0
  sort -ru "$records/created" | while read -r path; do
    if listed directories "$path" || others directories "$path" || ! rmdir "$path" 2>/dev/null; then [ ! -d "$path" ] || echo "$path"; fi
  done > "$records/created.new"
  mv "$records/created.new" "$records/created"
}

drop_unit() { # NAME
  if others units "$1"; then return; fi
  systemctl disable --now --quiet "$1" 2>/dev/null || :
  systemctl reset-failed "$1" 2>/dev/null || :
  if systemctl is-active --quiet "$1"; then trouble "$1 does not stop"; fi
}

exists() { [ -e "$1" ] || [ -L "$1" ]; }

keep_file() { # PATH: what somebody else had there
  if exists "$1" && ! exists "$record/before$1" && ! others files "$1"; then
    mkdir -p "$record/before${1%/*}"
    cp -a "$1" "$record/before$1"
  fi
}

drop_file() { # PATH
  if others files "$1"; then
    exists "$record/before$1" || return 0
    mkdir -p "$other/before${1%/*}"
    mv "$record/before$1" "$other/before$1"
  elif exists "$record/before$1"; then
    make_directory "${1%/*}"
    mv -f "$record/before$1" "$1" || trouble "$1 cannot be put back"
  else
    rm -f "$1" || trouble "$1 cannot be removed"
  fi
}

unmount_below() { # PATH
  # The last mounted first; what is in use still goes when it is no more.
  awk -v path="$1/" 'index($5, path) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r point; do
    umount "$point" 2>/dev/null || umount --lazy "$point" 2>/dev/null || :
  done
}

drop_directory() { # PATH
  if others directories "$1" || [ ! -d "$1" ]; then return; fi
  unmount_below "$1"
  find "$1" -mindepth 1 -delete 2>/dev/null || rm -rf "$1"/* 2>/dev/null || :
  if [ "$(ls -A "$1")" ]; then trouble "$1 cannot be emptied: $(ls -A "$1" | head -n 3 | tr '\n' ' ')is in use"; fi
}

keep_sysctl() { # KEY
  grep -qF -e "$1 = " "$record/sysctls" 2>/dev/null || echo "$1 = $(sysctl -n "$1")" >> "$record/sysctls"
}

restore_sysctls() { # KEYS that stay, a line each
  touch "$record/sysctls"
  while read -r key _ value; do
    case "
$1
" in *"
$key
"*) continue ;; esac
    sysctl --quiet --write "$key=$value" || trouble "$key cannot be set to $value again"
  done < "$record/sysctls"
}

installed() { dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | sed -n 's/ installed$//p' | sort; }

install_packages() { # NAME...
  missing=
  for package in "$@"; do
    [ "$(installed "$package")" ] || missing="$missing $package"
  done
  [ "$missing" ] || return 0
  before=$(installed)
  # Their own services neither run now nor at the next start: a unit of ours uses them.
  policy=/usr/sbin/policy-rc.d
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy.peak && chmod 755 $policy.peak && mv $policy.peak $policy && policed=1; }
  enabled=$(ls /etc/systemd/system/*.wants 2>/dev/null || :)
  export DEBIAN_FRONTEND=noninteractive
  failure=
  apt-get -qq -o DPkg::Lock::Timeout=300 update 9<&- && apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing 9<&- < /dev/null || failure=1
  [ -z "${policed:-}" ] || rm -f $policy
  # Also what a failed installation has left half done.
  brought=$(installed | grep -vxF -e "$before" || :)
  [ -z "$brought" ] || echo "$brought" >> "$record/brought"
  for path in $(dpkg-query --listfiles $brought 2>/dev/null | grep '/systemd/system/[^/@]*\.\(service\|socket\|timer\)$' || :); do
    case $enabled in *"${path##*/}"*) ;; *) systemctl disable --quiet "${path##*/}" 2>/dev/null || : ;; esac
  done
  [ -z "$failure" ] || fail "cannot install$missing"
}

remove_packages() {
  [ -s "$record/brought" ] || return 0
  unneeded=
  for package in $(sort -u "$record/brought"); do
    if ! others packages "$package" && [ "$(installed "$package")" ]; then unneeded="$unneeded $package"; fi
  done
  # dpkg keeps what a package needs that is not in the list.
  [ -z "$unneeded" ] || dpkg --purge $unneeded > /dev/null 2>&1 < /dev/null 9<&- || :
  # What is left is for another set-up to remove, where there is one.
  for package in $(sort -u "$record/brought"); do
    [ "$(installed "$package")" ] || continue
    for other in "$records"/*/packages; do
      if [ "$other" != "$record/packages" ] && [ -s "$other" ]; then echo "$package" >> "${other%/packages}/brought"; break; fi
    done
  done
}

remove() {
  for unit in $(tac "$record/units"); do drop_unit "$unit"; done
  same=
  for other in "$records"/*/undo; do
    if [ "$other" != "$record/undo" ] && cmp -s "$other" "$record/undo"; then same=1; fi
  done
  [ "$same" ] || sh -eu "$record/undo" < /dev/null 9<&- || trouble "not all could be undone"
  while read -r path; do drop_file "$path"; done < "$record/files"
  while read -r path; do drop_directory "$path"; done < "$record/directories"
  restore_sysctls ""
  systemctl daemon-reload
  remove_packages
  if [ "$failed" ]; then exit 1; fi
  : > "$record/directories"
  remove_created
  rm -r "$record"
  # The last one: there may be records of an earlier edition, which had no such script.
  if ! ls "$records"/*/remove > /dev/null 2>&1; then rm -rf "$records"/*/ "$records/created"; rmdir "$records" 2>/dev/null || :; fi
}
