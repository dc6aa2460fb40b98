const adjectives =
  "able amber apt avid bold brave bright brisk calm candid clear clever cosy daring deft eager earnest easy fair fond frank free fresh gentle glad golden grand happy hardy honest humble jolly keen kind lively loving loyal lucid merry mild modest neat nimble noble patient placid plain polite proud quick quiet ready rosy serene sharp shy silent simple sincere smart snug sober sound spry steady stoic sunny swift tender tidy true upbeat vivid warm wise witty young zany zesty";
const scientists =
  "ampere archimedes avogadro babbage bohr boole born bose boyle brahe cantor carson cavendish celsius chandrasekhar copernicus coulomb curie darwin descartes dijkstra dirac edison einstein erdos euclid euler faraday fermat fermi feynman fleming fourier franklin galileo galois gauss germain godel goodall hamilton heisenberg herschel hertz hilbert hodgkin hopper hubble huygens hypatia johnson joule kelvin kepler knuth kovalevskaya lagrange lamarr laplace lavoisier leibniz lovelace maxwell mcclintock meitner mendel mendeleev mirzakhani morse newton nightingale noether ohm pascal pasteur pauli payne planck poincare ptolemy pythagoras raman ramanujan riemann rutherford sagan salk sanger shannon swartz tesla thompson turing volta wing wright wu yalow";

const words = (text: string) => text.split(" ");

/** What a session's name looks like: `brave-loving-maxwell`. Given names may be any such lower-case words. */
export const sessionNamePattern = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** A fresh name of the form adjective-adjective-scientist. `random` is uniform in [0, 1). */
export function makeSessionName(random: () => number): string {
  const first = words(adjectives);
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? "";
  const one = pick(first);
  const two = pick(first.filter((word) => word !== one));
  return `${one}-${two}-${pick(words(scientists))}`;
}
