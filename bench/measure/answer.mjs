/** The head that the server sends and the client expects before `bytes` bytes of body. @param {number} bytes */
export const answerHead = (bytes) => `HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`;
