/* The cell's two ways out, on which the gate itself accepts. */
#ifndef CELLINIT_PORTS_H
#define CELLINIT_PORTS_H

/* Makes 127.0.0.1:3128 (HTTP) and :1080 (SOCKS) listen, and hands both to the host. From then on connections wait
 * there, and nothing is kept here. */
void hand_over_ports(int control);

#endif
