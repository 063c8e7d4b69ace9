//! One epoll for all rings.
