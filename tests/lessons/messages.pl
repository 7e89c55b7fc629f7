# A client of lesson 22: sends messages and says how long each took to come back.
use strict; use warnings;
use IO::Socket::INET;
use Time::HiRes 'time';

my ($port, $length, $count) = @ARGV;
my $server = IO::Socket::INET->new("127.0.0.1:$port") or die "no server at $port: $!\n";
my ($TCP, $TCP_NODELAY, $TCP_QUICKACK) = (6, 1, 12);    # from <netinet/tcp.h>
setsockopt $server, $TCP, $TCP_NODELAY, 1 if $ENV{NODELAY};
for my $message (1 .. $count) {
    my ($began, $came) = (time, 0);
    syswrite $server, 'a' x $length;
    while ($came < $length) {
        setsockopt $server, $TCP, $TCP_QUICKACK, 1 if $ENV{QUICKACK};
        $came += sysread $server, my $piece, 4096 or die "the server has gone\n";
    }
    printf "message %d: %d ms\n", $message, (time - $began) * 1000;
}
