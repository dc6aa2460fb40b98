import { testWorks } from "../helpers/program-works.ts";

/** Programs too large to install for every change: `node scripts/nightly-programs.mjs` installs and asks for them. */
testWorks(
  [
    {
      program: "ffmpeg",
      does: "makes a film with sound, and a picture of it",
      script: `set -e; ffmpeg -v error -f lavfi -i testsrc=duration=2:size=320x240:rate=15 -f lavfi -i sine=duration=2 \\
        -c:v libx264 -c:a aac -threads 3 film.mp4
      ffprobe -v error -show_entries stream=codec_name -of csv=p=0 film.mp4 | tr '\\n' ' ' | grep -q 'h264 aac'
      ffmpeg -v error -i film.mp4 -frames:v 1 picture.png; file picture.png | grep -q '320 x 240'; echo done`,
    },
    {
      program: "soffice",
      does: "converts a document",
      chatty: true,
      script: `set -e; echo 'A line of text.' > letter.txt
      soffice --headless --convert-to odt letter.txt > /dev/null; soffice --headless --convert-to pdf letter.odt > /dev/null
      head -c 5 letter.pdf | grep -q %PDF-; echo done`,
    },
    {
      program: "java",
      does: "compiles and runs threads, children, sockets, maps and collections",
      script: `cat > Work.java <<'END'
import java.net.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.concurrent.*;
import java.util.stream.*;
public class Work {
  public static void main(String[] words) throws Exception {
    if (LongStream.range(0, 1_000_000).parallel().sum() != 499999500000L) throw new Error("sum");
    ExecutorService pool = Executors.newFixedThreadPool(8);
    for (int i = 0; i < 64; i++) pool.submit(() -> new byte[4 << 20].length).get();
    pool.shutdown();
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
         Socket near = new Socket(server.getInetAddress(), server.getLocalPort()); Socket far = server.accept()) {
      near.getOutputStream().write(7);
      if (far.getInputStream().read() != 7) throw new Error("socket");
    }
    try (FileChannel file = FileChannel.open(Path.of("mapped"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      java.nio.MappedByteBuffer mapped = file.map(FileChannel.MapMode.READ_WRITE, 0, 4096);
      mapped.put(0, (byte) 1);
      mapped.force();
    }
    FileSystems.getDefault().newWatchService().close();
    System.gc();
    System.out.print(new String(new ProcessBuilder("echo", "done").start().getInputStream().readAllBytes()));
  }
}
END
      for collector in Serial Parallel G1 Z; do java -Xmx256m -XX:+UseNUMA -XX:+Use\${collector}GC Work.java || exit; done`,
    },
  ],
  process.env["WORKCELL_NIGHTLY"] === "1",
);
