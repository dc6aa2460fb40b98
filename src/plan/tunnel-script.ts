/**
 * The shell at PID 2 of the reference tunnel: starts both forwarders (PIDs 3 and 4), waits until both ports accept,
 * starts cellinit (PID 5), which seals itself and becomes the command at the go-byte, and keeps the forwarders alive
 * until it ends.
 *
 * Arguments: the cell's id, socat, whether the command gets a terminal (then cellinit makes its session, and else the
 * shell its process group), then cellinit's whole command line. Descriptors 5, 6 and 7 are cellinit's. What is
 * written on 2 reaches Workcell line by line: `n 125` when the forwarders do not start, `x CODE` when the command
 * ended, and `jobs -l`, which is asked whenever a child ends, because only its words ("Terminated", "Exit 143") tell a
 * command that a signal ended from one that exited so.
 *
 * Its own variables begin with _wc_: the command's stand in the same shell, and must come out of it unchanged.
 * It ends at once where it is not PID 2: its last act is to kill everything it can, which is a cell only in a cell.
 * It waits for the command by its number (bash keeps that status; `wait -n` would miss a command that had ended
 * before it), and forwarders that die are started again by the trap.
 */
export const tunnelScript = `
[ $$ = 2 ] || exit 125
for _wc_f in /proc/self/fd/*; do _wc_f=\${_wc_f##*/}; case $_wc_f in 0|1|2|5|6|7|255) ;; *) eval "exec $_wc_f<&-";; esac; done
_wc_id=$1 _wc_socat=$2 _wc_terminal=$3; shift 3
[ -v LC_ALL ] && _wc_locale=$LC_ALL; LC_ALL=C
forward() { exec "$_wc_socat" "TCP-LISTEN:$1,fork,reuseaddr,bind=127.0.0.1" "UNIX-CONNECT:/tmp/claude-$2-$_wc_id.sock"; }
http() { forward 3128 http; }
socks() { forward 1080 socks; }
http </dev/null >/dev/null 2>&1 5<&- 6>&- 7<&- & _wc_H=$!
socks </dev/null >/dev/null 2>&1 5<&- 6>&- 7<&- & _wc_S=$!
trap 'kill -9 -1' EXIT
_wc_tries=0
until read -r -N 60 _wc_x </proc/net/sockstat; [[ $_wc_x == *"TCP: inuse 2"* ]]; do
  read -r -t 0.0005 -u 7 _wc_x; [ $? -gt 128 ] || exit 125
  if ! kill -0 $_wc_H || ! kill -0 $_wc_S || [ $((_wc_tries += 1)) -ge 20000 ]; then echo "n 125" >&2; exit 125; fi
done
heal() {
  jobs -l >&2
  kill -0 $_wc_H 2>/dev/null || { http </dev/null >/dev/null 2>&1 5<&- 6>&- 7<&- & _wc_H=$!; }
  kill -0 $_wc_S 2>/dev/null || { socks </dev/null >/dev/null 2>&1 5<&- 6>&- 7<&- & _wc_S=$!; }
}
trap heal CHLD
[ "$_wc_terminal" = yes ] || set -m
( trap - EXIT CHLD; unset LC_ALL SHLVL OLDPWD; [ -v _wc_locale ] && export LC_ALL=$_wc_locale
  exec -- "$@" ) <&0 & _wc_C=$!
set +m
exec 0</dev/null 1>/dev/null 5<&- 6>&- 7<&-
until wait -f $_wc_C; ! kill -0 $_wc_C 2>/dev/null; do heal; done
heal
trap - CHLD
wait $_wc_C; _wc_r=$?
echo "x $_wc_r" >&2; exit $_wc_r
`;
