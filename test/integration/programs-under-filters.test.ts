import { testWorks } from "../helpers/program-works.ts";

testWorks([
  {
    program: "bash",
    does: "runs pipelines, background jobs, substitutions and tests",
    script: `set -euo pipefail
      sleep 0.01 & wait $!
      test "$(printf 'b\\na\\n' | sort | tr -d '\\n')" = ab
      diff <(echo same) <(echo same)
      umask 022; echo '#!/bin/sh' > tool; chmod +x tool; test -x tool; ./tool; mkfifo pipe
      trap 'echo done' EXIT`,
  },
  {
    program: "socat",
    does: "forwards a port to a UNIX socket",
    script: `socat UNIX-LISTEN:far,fork SYSTEM:cat & socat TCP-LISTEN:3128,fork,reuseaddr,bind=127.0.0.1 UNIX-CONNECT:far &
      for i in $(seq 200); do test -S far && (exec 3<>/dev/tcp/127.0.0.1/3128) 2>/dev/null && break; sleep 0.01; done
      echo done | socat - TCP:127.0.0.1:3128; kill %1 %2`,
  },
  {
    program: "git",
    does: "makes, commits, clones, branches and packs",
    script: `set -e; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
      git init -q one; echo x > one/x; git -C one add .; git -C one commit -qm x; git clone -q one two
      git -C two checkout -qb b; git -C two gc -q; test -z "$(git -C two status --porcelain)"; echo done`,
  },
  {
    program: "tar",
    does: "packs and unpacks, keeping modes, links and times",
    script: `set -e; mkdir -m 1777 in; echo x > in/x; chmod 750 in/x; ln -s x in/y; ln in/x in/z; tar cf a.tar in
      mkdir out; tar xpf a.tar -C out; cp -a out/in copy; test "$(stat -c %a copy copy/x | xargs)" = '1777 750'; echo done`,
  },
  {
    program: "sort",
    does: "and the rest of coreutils and util-linux work",
    script: `set -e; seq 20000 | shuf | sort -n --parallel=2 | head -n 3 | tr '\\n' ' ' | grep -q '1 2 3'
      mkdir -p a/b; echo x > a/b/x; ln -s x a/b/y; ln a/b/x a/b/z; cp -a a c; mv c d; rm -r d; touch -d yesterday a/b/x
      install -m 750 a/b/x made; truncate -s 1M big; fallocate -l 1M full; dd if=big of=copy bs=64k status=none conv=fsync
      cp --sparse=always big sparse; cmp big sparse; split -b 256k big part.; cat part.* | cmp - big; sync copy; shred -u copy
      chown "$(id -u):$(id -g)" made; stat -c %a made | grep -q 750; df . > /dev/null; du -s . > /dev/null; ls -laR > /dev/null
      sha256sum big | sha256sum -c --quiet; od -c made | tac > /dev/null; mktemp -d > /dev/null; nproc > /dev/null; uptime > /dev/null
      timeout 5 nice -n 5 nohup stdbuf -oL true 2> /dev/null; (sleep 0.05; echo end >> made) & tail -f --pid=$! made > /dev/null
      flock lock true; taskset -c 0 true; ionice -c 3 true; chrt -b 0 true; renice -n 6 -p $$ > /dev/null; prlimit --nofile=64 true
      ipcmk -M 4096 > /dev/null; ipcs > /dev/null; script -qc 'test -t 1' /dev/null; find . -name '*.x' -o -type l | xargs -P 2 file > /dev/null 2>&1 || true
      echo done`,
  },
  {
    program: "ssh-agent",
    does: "keeps a key, lists it and signs with it",
    needs: {
      check: "command -v ssh-keygen ssh-add && ssh-keygen -Y 2>&1 | grep -q sign",
      missing: "ssh-keygen 8.2",
    },
    chatty: true,
    script: `set -e; eval "$(ssh-agent)" > /dev/null; trap 'ssh-agent -k > /dev/null' EXIT
      ssh-keygen -q -t ed25519 -N '' -f key; ssh-add -q key; ssh-add -l | grep -q ED25519; rm key
      echo text > text; ssh-keygen -Y sign -f key.pub -n file text; test -s text.sig; echo done`,
  },
  {
    program: "rg",
    does: "searches a tree with several threads and memory maps",
    script: `set -e; mkdir -p tree/{a,b,c}/{d,e,f}; for d in tree/*/*; do seq 5000 > $d/numbers; done; echo needle > tree/b/e/hay
      test "$(rg --threads 4 -l needle tree)" = tree/b/e/hay; test "$(rg --mmap -c '^77' tree/a/d/numbers)" = 11
      rg --files tree | rg -c . | grep -q 10; echo done`,
  },
  {
    program: "gcc",
    does: "compiles, links and runs a threaded program that pins itself",
    script: `set -e; cat > work.c <<'END'
      #define _GNU_SOURCE
      #include <pthread.h>
      #include <sched.h>
      #include <setjmp.h>
      #include <signal.h>
      #include <stdio.h>
      static jmp_buf back;
      static void caught(int number) { siglongjmp(back, number); }
      static void *work(void *given) {
          cpu_set_t one;
          CPU_ZERO(&one);
          CPU_SET(sched_getcpu(), &one);
          struct sched_param ordinary = {0};
          long wrong = pthread_setaffinity_np(pthread_self(), sizeof one, &one);
          wrong |= pthread_setschedparam(pthread_self(), SCHED_OTHER, &ordinary);
          return given == NULL ? (void *)wrong : given;
      }
      int main(void) {
          pthread_t thread;
          void *wrong;
          if (pthread_create(&thread, NULL, work, NULL) || pthread_join(thread, &wrong) || wrong || work(NULL)) return 1;
          signal(SIGSEGV, caught);
          if (sigsetjmp(back, 1) == 0) raise(SIGSEGV);
          puts("done");
      }
END
      gcc -O2 -pthread -Wall -Werror -o work work.c; objdump -d work > /dev/null; ./work`,
  },
]);
