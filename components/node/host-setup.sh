# Functions of both scripts of a set-up: the one that installs it and the one that removes it. $record is the set-up's record on the host:
#   units files directories packages   what it consists of, a line each
#   before/PATH                        a file of somebody else's that stood where one of the set-up's does now
#   sysctls                            kernel parameters as they were
#   restart                            units whose files have changed since they were started
#   brought                            Debian packages that were installed for it, or were about to be
#   enabled                            units that were enabled before packages were installed, until those of the packages are disabled
#   undo remove                        what takes the rest back; what takes all back
# Beside the records, `created` lists the directories that were made for files, of whichever set-up.
records=/var/lib/peak-setups
policy=/usr/sbin/policy-rc.d
failed=

# One set-up of a host at a time changes files, packages and records.
lock() {
  while :; do
    mkdir -p "$records"
    exec 9< "$records"
    flock 9
    # Whoever went before may have been the last, and have removed it.
    if [ "$records" -ef /proc/self/fd/9 ]; then break; fi
  done
  # A run that was killed may have left it.
  allow_services
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

discard() { # LIST DROP LINES: what the set-up has no more; what cannot be dropped stays in the list, so that the next run tries again
  touch "$record/$1"
  : > "$record/$1.left"
  faults=$failed
  while read -r line; do
    case "
$3
" in *"
$line
"*) continue ;; esac
    failed=
    "$2" "$line"
    if [ "$failed" ]; then
      echo "$line" >> "$record/$1.left"
      faults=1
    fi
  done < "$record/$1"
  failed=$faults
}

keep_list() { # LIST LINES
  { printf %s "$2"; cat "$record/$1.left" 2>/dev/null || :; } > "$record/$1.new"
  mv "$record/$1.new" "$record/$1"
  rm -f "$record/$1.left"
}

refuse_directory() { # PATH: it would be emptied in the end; what somebody else has in it would be lost
  if [ ! -d "$1" ] || [ -z "$(ls -A --ignore=lost+found "$1")" ]; then return; fi
  if grep -qsxF -e "$1" "$records"/*/directories "$records/created"; then return; fi
  echo "$1 has something in it that is not of this stack: if nobody needs it, empty it; else move what uses it to another host" >&2
  rmdir "$records" 2>/dev/null || :
  exit 1
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
  # One whose file is gone cannot be disabled.
  systemctl disable --now --quiet "$1" 2>/dev/null || systemctl stop --quiet "$1" 2>/dev/null || :
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
  : > "$record/sysctls.new"
  while read -r key _ value; do
    case "
$1
" in *"
$key
"*) ;; *)
      # One that the kernel no longer has needs nothing.
      if sysctl --quiet --write "$key=$value" || ! sysctl -n "$key" > /dev/null 2>&1; then continue; fi
      trouble "$key cannot be set to $value again" ;;
    esac
    echo "$key = $value" >> "$record/sysctls.new"
  done < "$record/sysctls"
  mv "$record/sysctls.new" "$record/sysctls"
}

statuses() { dpkg-query --show --showformat='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || :; }
installed() { statuses "$@" | sed -n 's/ installed$//p'; }
# Also what an installation or a removal has left by half.
present() { statuses "$@" | sed -e '/ not-installed$/d' -e '/ config-files$/d' -e 's/ .*//'; }

patiently() { # COMMAND of apt or dpkg: it waits for whoever else uses them, such as the host's own updates. $said is its output.
  patience=$(($(date +%s) + 300))
  until said=$(LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@" 2>&1 < /dev/null 9<&-); do
    case $said in *"Could not get lock"* | *"locked by another process"*) ;; *) return 1 ;; esac
    [ "$(date +%s)" -lt $patience ] || return 1
    sleep 1
  done
}

# The services of packages run neither now nor at the next start: a unit of ours uses them.
forbid_services() {
  ls /etc/systemd/system/*.wants > "$record/enabled.new" 2>/dev/null || :
  [ -e "$record/enabled" ] || mv "$record/enabled.new" "$record/enabled"
  [ -e $policy ] || { printf '#!/bin/sh\n# %s\nexit 101\n' $records > $policy.peak && chmod 755 $policy.peak && mv $policy.peak $policy; }
}
allow_services() { if grep -qsxF -e "# $records" $policy; then rm $policy; fi; }
disable_services() {
  [ -e "$record/enabled" ] || return 0
  for path in $(dpkg-query --listfiles $(cat "$record/brought") 2>/dev/null | grep '/systemd/system/[^/@]*\.\(service\|socket\|timer\)$' || :); do
    grep -qxF -e "${path##*/}" "$record/enabled" || systemctl disable --quiet "${path##*/}" 2>/dev/null || :
  done
  rm "$record/enabled"
}

install_packages() { # NAME...
  missing=
  for package in "$@"; do
    [ "$(installed "$package")" ] || missing="$missing $package"
  done
  failure=
  if [ "$missing" ]; then
    touch "$record/brought"
    forbid_services
    # What was cut short before, by whomever, is in the way of all else.
    patiently dpkg --configure -a || :
    # What comes is recorded first: it is ours also when this is killed.
    patiently apt-get -qq update && patiently apt-get -s install --no-install-recommends $missing &&
      planned=$(echo "$said" | sed -n 's/^Inst \([^ :]*\).*/\1/p') &&
      { echo "$planned" | grep -vxF -e "$(present)" >> "$record/brought" || :; } &&
      patiently apt-get -qq install --no-install-recommends $missing || failure="cannot install$missing: $said"
    allow_services
  fi
  disable_services
  [ -z "$failure" ] || fail "$failure"
}

remove_packages() {
  [ -s "$record/brought" ] || return 0
  unneeded=
  for package in $(sort -u "$record/brought"); do
    others packages "$package" || unneeded="$unneeded $package"
  done
  said=
  # dpkg keeps what a package needs that is not in the list.
  [ -z "$unneeded" ] || patiently dpkg --purge --force-remove-reinstreq $unneeded || :
  stuck=
  for package in $(sort -u "$record/brought"); do
    [ "$(present "$package")" ] || continue
    case $said in *"removal of $package:"*) ;; *) stuck="$stuck $package" ;; esac
    # What is left is for another set-up to remove, where there is one.
    for other in "$records"/*/packages; do
      if [ "$other" != "$record/packages" ] && [ -s "$other" ]; then
        echo "$package" >> "${other%/packages}/brought"
        stuck=${stuck% "$package"}
        break
      fi
    done
  done
  [ -z "$stuck" ] || trouble "cannot remove$stuck: $said"
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
