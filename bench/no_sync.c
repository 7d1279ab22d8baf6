/* SPDX-License-Identifier: Apache-2.0
 * Loaded before a program (LD_PRELOAD): nothing is made durable. What the same run costs without durability. */
int fsync(int file);
int fdatasync(int file);

int fsync(int file) { return file < 0 ? -1 : 0; }
int fdatasync(int file) { return file < 0 ? -1 : 0; }
